/** The documentation holds: every snippet compiles, whole programs run, and each command line is run somewhere. */
import { spawn, spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { text as textFrom } from 'node:stream/consumers';
import { createClient } from '@wakebus/client';
import type { AnyAgentDefinition } from '@wakebus/core';
import { TokenStore, serveGateway } from '@wakebus/gateway';
import { type NatsServers, startNatsServer } from '@wakebus/nats-server';
import { connectNats, createDeployment, startPlacementNode } from '@wakebus/placement-node';
import { connect as plainConnect, headers } from 'nats';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Program, startCommand, startProgram } from './program.ts';
import { freePort } from './prometheus.ts';
import { blocksOf, pages, readCommandLines, readSnippets } from './snippets.ts';

/** Where each snippet is run; one that is new fails the first test until it is. */
const tried = [
  'README.md issue.ts',
  'README.md service.ts',
  'README.md caller.ts',
  'packages/channels/README.md support.ts',
  'packages/cli/README.md agent.ts',
  'packages/client/README.md main.ts',
  'packages/console/README.md main.ts',
  'packages/core/README.md main.ts',
  'packages/core/README.md matcher.ts',
  'packages/core/README.md order.ts',
  'packages/core/README.md inbox.ts',
  'packages/core/README.md reporter.ts',
  'packages/core/README.md tour.ts',
  'packages/gateway/README.md main.ts',
  'packages/nats-server/README.md main.ts',
  'packages/placement-node/README.md main.ts',
  'packages/protocol/README.md main.ts',
  'packages/runners/README.md main.ts',
  'packages/sources/README.md main.ts',
  'packages/telemetry/README.md main.ts',
  'packages/testing/README.md main.ts',
  'packages/testing/README.md purse.ts',
  'packages/workspace/README.md main.ts',
];

/** What is run elsewhere, or cannot be run where this repository is tested. */
const elsewhere = [
  ['npm run demo', 'packages/cli/test/demo.test.ts'],
  ['docker compose -f observability/compose.yaml up -d', 'no container engine'],
  ['docker run --rm -p 16686:16686 -p 4318:4318 jaegertracing/jaeger:2', 'no container engine'],
  ['OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 node examples/tracing/main.ts', 'test/examples.test.ts'],
  [
    'NATS_URL=nats://127.0.0.1:4222 OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 node main.ts',
    'test/examples.test.ts',
  ],
  ['open http://127.0.0.1:16686', 'no browser'],
  ['node main.ts', 'test/examples.test.ts'],
  ['node main.ts', 'test/examples.test.ts'],
  ['node main.ts', 'test/examples.test.ts'],
  ['node main.ts', 'test/examples.test.ts'],
  ['NATS_URL=nats://127.0.0.1:4222 node main.ts', 'test/examples.test.ts'],
  [
    'NATS_URL=nats://127.0.0.1:4222 TELEGRAM_TOKEN=$TOKEN TELEGRAM_SECRET=$SECRET node main.ts',
    'test/examples.test.ts',
  ],
  [
    'curl "https://api.telegram.org/bot$TOKEN/setWebhook" -d "url=https://bot.example.com/hooks/telegram" -d "secret_token=$SECRET"',
    'no Telegram',
  ],
] as const;

/** What is run below. */
const here = {
  publish: 'nats pub agents.issue.42.commented \'{"by":"ada"}\' -H \'Nats-Msg-Id:issue.42:delivery-7\'',
  clone: 'node setup.mjs exec wakebus dev issue.ts --port 4222',
  dev: 'wakebus dev agent.ts',
  send: 'wakebus send hello/ada greet \'{"name":"Ada"}\' --wait',
  serve: 'NATS_URL=nats://127.0.0.1:4222 PORT=3000 node main.ts',
  curl: `curl -X POST -d '{"by":"ada"}' -H 'Idempotency-Key: delivery-8' 'http://127.0.0.1:8080/agents/issue/42/commented?wait' -H "Authorization: Bearer $WAKEBUS_TOKEN"`,
  post: 'curl -d \'{"amount": 2}\' http://127.0.0.1:3000/counters/ada/add',
};

// Whole programs, a compiler among them: they end by themselves, on a busy machine after half a minute.
vi.setConfig({ testTimeout: 120_000 });

const addressInPages = 'nats://127.0.0.1:4222';
const snippets = readSnippets();
let server: NatsServers;
let folder: string;

beforeAll(async () => {
  server = await startNatsServer();
  // Below the root, so that imports find what the workspace has; git ignores it.
  mkdirSync('.cache', { recursive: true });
  folder = mkdtempSync(resolve('.cache', 'readmes-'));
  for (const { page, file, text } of snippets) write(page, file, text);
  // The client's program is written for the agent that the CLI's page shows.
  write('packages/client/README.md', 'agent.ts', textOf('packages/cli/README.md', 'agent.ts'));
});

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await server.stop();
});

function pathOf(page: string, file: string): string {
  return join(folder, dirname(page), file);
}

function textOf(page: string, file: string): string {
  const found = snippets.find((snippet) => snippet.page === page && snippet.file === file);
  if (found === undefined) throw new Error(`${page} shows no ${file}`);
  return found.text;
}

function write(page: string, file: string, text: string): void {
  mkdirSync(dirname(pathOf(page, file)), { recursive: true });
  writeFileSync(pathOf(page, file), text.replaceAll(addressInPages, server.url));
}

function run(page: string, file = 'main.ts'): Program {
  return startProgram(pathOf(page, file), { env: { NATS_URL: server.url } });
}

/** Runs the agents that a snippet exports. */
async function serve(page: string, file: string): Promise<AsyncDisposable & Awaited<ReturnType<typeof createClient>>> {
  const exported = (await import(pathOf(page, file))) as Record<string, AnyAgentDefinition>;
  const connection = await connectNats({ servers: server.url });
  const node = await startPlacementNode({ connection, agents: Object.values(exported) });
  const client = await createClient(connection);
  return Object.assign(client, {
    [Symbol.asyncDispose]: async () => {
      await node.drain();
      await connection.close();
    },
  });
}

test('every snippet is tried', () => {
  expect(snippets.map(({ page, file }) => `${page} ${file}`).toSorted()).toEqual(tried.toSorted());
});

test('every snippet compiles', () => {
  const config = {
    extends: '../../tsconfig.json',
    compilerOptions: {
      noEmit: true,
      composite: false,
      isolatedDeclarations: false,
      declaration: false,
      declarationMap: false,
    },
    include: ['**/*.ts'],
    references: [],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));

  const { status, stdout } = spawnSync('tsc', ['-p', folder, '--listFilesOnly'], { encoding: 'utf8' });
  const read = stdout.split('\n').filter((line) => line.startsWith(folder));
  const checked = spawnSync('tsc', ['-p', folder], { encoding: 'utf8' });

  expect([status, read.length]).toEqual([0, tried.length + 1]);
  expect(checked.stdout).toBe('');
  expect(checked.status).toBe(0);
});

describe('the first page', () => {
  test('its agent runs in its service, takes what the nats command publishes, and answers its caller', async () => {
    await using service = run('README.md', 'service.ts');
    const [, subject = '', data = '', name = '', value = ''] =
      /^nats pub (\S+) '(.*?)' -H '(.*?):(.*)'$/.exec(here.publish) ?? [];
    const plain = await plainConnect({ servers: server.url });
    const options = { headers: headers() };
    options.headers.append(name, value);
    // Nobody has made the deployment but the service, and nobody says when it has.
    await expect
      .poll(
        () =>
          plain
            .jetstream()
            .publish(subject, data, options)
            .then(({ stream }) => stream, String),
        {
          timeout: 20_000,
        },
      )
      .toBe('wakebus_inbox');
    await plain.jetstream().publish(subject, data, options);

    const caller = run('README.md', 'caller.ts');
    expect([await caller.ends(), caller.output()]).toEqual([0, '2\n']);

    const connection = await connectNats({ servers: server.url });
    const { token } = await (await TokenStore.open(connection)).issue({ target: 'issue/*', verbs: ['call'] });
    const gateway = await serveGateway({ connection });
    const curl = here.curl.replace('http://127.0.0.1:8080', gateway.url);
    const posted = spawn('sh', ['-c', curl], { env: { ...process.env, WAKEBUS_TOKEN: token } });
    expect(await textFrom(posted.stdout)).toBe('3');
    await gateway.close();
    await connection.close();

    service.child.kill('SIGTERM');
    expect(await service.ends(), service.output()).toBe(0);
    await plain.close();
  });
});

test('the agent of the first page runs by the command that it gives for a clone', async () => {
  const port = await freePort();
  const command = here.clone.replace('setup.mjs', resolve('setup.mjs')).replace('4222', String(port));
  const cwd = dirname(pathOf('README.md', 'issue.ts'));
  await using dev = startCommand(command, { cwd, env: { NATS_URL: '' } });
  await dev.says('Ctrl-C');

  const connection = await connectNats({ servers: `nats://127.0.0.1:${port}` });
  const client = await createClient(connection);
  expect(await client.agent('issue', '42').call({ type: 'commented', by: 'ada' })).toBe(1);
  await connection.close();

  dev.child.kill('SIGINT');
  expect(await dev.ends(), dev.output()).toBe(0);
});

describe('the page of', () => {
  test('channels shows an agent that answers, and hears of it when it cannot', async () => {
    await using client = await serve('packages/channels/README.md', 'support.ts');
    const replyTo = { kind: 'telegram', channel: 'support', data: { chatId: 77 }, expiresAt: 0 };

    await client.agent('support', '77').send({ type: 'message', text: 'hello', replyTo });

    await expect
      .poll(async () => (await client.inspect('support/77'))?.context, { timeout: 20_000 })
      .toMatchObject({ fault: 'CHANNEL_ADDRESS_EXPIRED' });
  });

  test('core shows an agent that runs', async () => {
    await using client = await serve('packages/core/README.md', 'main.ts');

    expect(await client.agent('account', 'ada').call({ type: 'add', amount: 5 })).toBe(5);
    expect((await client.inspect('account/ada'))?.timers).toHaveLength(1);
  });

  test('core shows one whose turns are stopped when they never end', async () => {
    await using client = await serve('packages/core/README.md', 'matcher.ts');

    expect(await client.agent('matcher', 'ada').call({ type: 'match', pattern: '^a+$', text: 'aaa' })).toBe(true);
    await client.agent('matcher', 'ada').send({ type: 'match', pattern: '^(a+)+$', text: `${'a'.repeat(60)}!` });

    await expect.poll(async () => (await client.inspect('matcher/ada'))?.lifecycle.code).toBe('TURN_STOPPED');
  });

  test.each([['placement-node'], ['telemetry'], ['workspace', 'large'], ['runners', 'programs']])(
    '%s shows one that runs, and drains on SIGTERM',
    async (name, prefix = 'wakebus') => {
      await using node = run(`packages/${name}/README.md`);
      const connection = await connectNats({ servers: server.url });
      await expect
        .poll(() => createClient(connection, { prefix }).then(Boolean, () => false), { timeout: 20_000 })
        .toBe(true);
      const client = await createClient(connection, { prefix });

      expect(await client.agent('hello', `page-${name}`).call({ type: 'greet' })).toBe('Hello');

      node.child.kill('SIGTERM');
      expect(await node.ends(), node.output()).toBe(0);
      await connection.close();
    },
  );

  test('client sends, calls and inspects', async () => {
    await using served = await serve('packages/client/README.md', 'agent.ts');
    const program = run('packages/client/README.md');

    expect(await program.ends(), program.output()).toBe(0);
    expect(program.output()).toMatch(/^[0-9a-f]+-1 Hello, Ada, for the 2\. time \{\} \{ greeted: 2 \}\n$/);
    expect(await served.inspect('hello/ada')).toBeDefined();
  });

  test('gateway issues a token and takes an event', async () => {
    const program = run('packages/gateway/README.md');

    expect(await program.ends(), program.output()).toBe(0);
    expect(program.output()).toMatch(/^202 \{\n {2}agent: 'hello\/ada',\n {2}event: 'greet',\n/);
  });

  test('gateway shows a configuration that takes a delivery', async () => {
    const connection = await connectNats({ servers: server.url });
    await createDeployment(connection);
    await connection.close();
    const page = 'packages/gateway/README.md';
    write(page, 'gateway.json', blocksOf(page, 'json')[0] ?? '');
    const command = `${process.execPath} ${resolve('packages/cli/src/main.ts')} gateway --port 0 --config gateway.json`;
    const env = { WAKEBUS_SERVERS: server.url, GITHUB_SECRET: 'shh' };
    await using gateway = startCommand(command, { cwd: dirname(pathOf(page, 'gateway.json')), env });
    await gateway.says('/hooks/repo');

    const body = JSON.stringify({
      action: 'opened',
      issue: { number: 7 },
      repository: { full_name: 'acme/shop' },
      sender: { login: 'ada' },
    });
    const answer = await fetch(/http:\S+\/hooks\/repo/.exec(gateway.output())?.[0] ?? '', {
      method: 'POST',
      body,
      headers: {
        'X-GitHub-Event': 'issues',
        'X-GitHub-Delivery': 'd-1',
        'X-Hub-Signature-256': `sha256=${createHmac('sha256', 'shh').update(body).digest('hex')}`,
      },
    });
    expect(await answer.json()).toEqual({ stored: 1, duplicate: 0, ignored: 0 });

    gateway.child.kill('SIGTERM');
    expect(await gateway.ends(), gateway.output()).toBe(0);
  });

  test('protocol, nats-server, testing, sources and console run as they stand', async () => {
    const programs = [['protocol'], ['nats-server'], ['testing'], ['testing', 'purse.ts'], ['sources'], ['console']];
    const outputs = await Promise.all(
      programs.map(async ([name, file]) => {
        const program = run(`packages/${name}/README.md`, file);
        expect(await program.ends(), program.output()).toBe(0);
        return program.output();
      }),
    );
    expect(outputs).toEqual([
      expect.stringMatching(/^agents\.order\.2024=2F17\.paid \d+\n$/),
      expect.stringMatching(/^nats:\/\/127\.0\.0\.1:\d+\n$/),
      expect.stringMatching(/^\d+ \[\]\n$/),
      expect.stringMatching(/^5 \[\] \n$/),
      "[ 'orders', 'reports', 'feed' ]\n",
      expect.stringMatching(/^http:\S+\/console\/\n200 default-src 'none'/),
    ]);
  });

  test('cli shows what dev and send print', async () => {
    const [page] = readFileSync('packages/cli/README.md', 'utf8').match(/^```console\n[\s\S]*?^```$/gm) ?? [];
    const cwd = dirname(pathOf('packages/cli/README.md', 'agent.ts'));
    write(
      'packages/cli/README.md',
      'wakebus',
      `#!/bin/sh\nexec ${process.execPath} ${resolve('packages/cli/src/main.ts')} "$@"\n`,
    );
    chmodSync(join(cwd, 'wakebus'), 0o755);
    const env = { PATH: `${cwd}:${process.env['PATH']}`, NATS_URL: '' };

    await using dev = startCommand(here.dev, { cwd, env });
    await dev.says('Ctrl-C');
    const send = startCommand(here.send, { cwd, env });

    expect(await send.ends(), send.output()).toBe(0);
    const shown = `$ ${here.dev}\n${dev.output()}\n$ ${here.send}\n${send.output()}`;
    expect(withoutNumbers(shown)).toBe(withoutNumbers(linesOf(page ?? '')));
  });
});

/** Ports and times are others every time, and a busy machine takes seconds where the page has milliseconds. */
function withoutNumbers(text: string): string {
  return text.replaceAll(/[\d.]+ m?s$/gm, 'N ms').replaceAll(/\d+/g, 'N');
}

/** A console block without its fence and comments. */
function linesOf(block: string): string {
  return block.replaceAll(/^```.*\n?/gm, '').replaceAll(/ {2,}# .*$/gm, '');
}

test('the lines that a person is to type are all run somewhere', () => {
  expect(readCommandLines().toSorted()).toEqual(
    [...elsewhere.map(([line]) => line), ...Object.values(here)].toSorted(),
  );
});

const hasCurl = spawnSync('curl', ['--version']).status === 0;

test.runIf(hasCurl)('hono-service answers what its page asks by curl', async () => {
  const env = { PORT: '0', NATS_URL: server.url };
  const serving = here.serve.replace(/^(\S+=\S+ )+/, '');
  await using service = startCommand(serving, { cwd: 'examples/hono-service', env });
  await service.says('http://');
  const [url = ''] = /http:\/\/[^\s/]+/.exec(service.output()) ?? [];

  const curl = startCommand(`${here.post.replace('http://127.0.0.1:3000', url)} --silent`);

  expect(await curl.ends(), curl.output()).toBe(0);
  expect(JSON.parse(curl.output())).toEqual({ count: 2 });
});

test('every task that a page names is one', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  const text = pages.map((page) => readFileSync(page, 'utf8')).join('\n');
  const named = [...text.matchAll(/\bnpm (?:run )?(demo|test|(?<=run )[a-z]+)/g)].map(([, task]) => task ?? '');

  expect(named.length).toBeGreaterThan(10);
  expect([...new Set(named)].filter((task) => !(task in scripts))).toEqual([]);
});
