/** `wakebus tokens` and `wakebus gateway`, against each other. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCli } from '@wakebus/cli';
import { createDeployment } from '@wakebus/placement-node';
import { sign } from '@octokit/webhooks-methods';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from './eventually.ts';
import { type Place, startPlace } from './place.ts';

let place: Place;

beforeAll(async () => {
  place = await startPlace();
  await createDeployment(place.connection);
});

afterAll(() => place[Symbol.asyncDispose]());

const run: Place['run'] = (...argv) => place.run(...argv);

test('a token that is issued opens a gateway that runs, until it is revoked; rotation changes its secret', async () => {
  using own = place.io();
  const running = runCli(['gateway', '--port', '0', '--json'], own);
  await eventually(() => own.stdout).toContain('"url"');
  const { url } = own.json()[0] as { url: string };
  const statusWith = async (token: string): Promise<number> =>
    (await fetch(`${url}/agents`, { headers: { Authorization: `Bearer ${token}` } })).status;

  const issued = await run('tokens', 'issue', '*', '--verbs', 'read', '--name', 'ci', '--expires', '30d', '--json');
  const { token, id } = issued.io.json()[0] as { token: string; id: string };
  expect(await statusWith(token)).toBe(200);

  const rotated = await run('tokens', 'rotate', id, '--overlap', '1h');
  expect([await statusWith(token), await statusWith(rotated.io.stdout.trim())]).toEqual([200, 200]);
  const listed = await run('tokens', 'list');
  expect(listed.io.stdout).toMatch(new RegExp(`${id} +\\* +read +rotating .* ci`));
  expect(listed.io.stdout).not.toContain(token.split('.')[1]);

  expect((await run('tokens', 'revoke', id)).code).toBe(0);
  await eventually(() => statusWith(token)).toBe(401);
  own.stop();
  expect(await running).toBe(0);
});

test('webhooks come from a file, their secrets from the environment', async () => {
  using own = place.io({ env: { HOOK_SECRET: 'shh' } });
  const hook = {
    kind: 'github',
    secretsFrom: ['HOOK_SECRET', 'HOOK_SECRET_OLD'],
    map: { agent: 'issue/{/issue/number}', event: '{header:x-github-event}.{/action}', data: { by: '/sender/login' } },
  };
  writeFileSync(join(own.cwd, 'gateway.json'), JSON.stringify({ port: 0, webhooks: { repo: hook } }));
  const running = runCli(['gateway', '--config', 'gateway.json'], own);
  await eventually(() => own.stderr).toContain('/hooks/repo');
  const url = /http:\S+\/hooks\/repo/.exec(own.stderr)?.[0] ?? '';
  const body = JSON.stringify({ action: 'opened', issue: { number: 7 }, sender: { login: 'ada' } });
  const headers = {
    'X-GitHub-Event': 'issues',
    'X-GitHub-Delivery': 'd-1',
    'X-Hub-Signature-256': await sign('shh', body),
    'Content-Type': 'application/json',
  };

  const first = await fetch(url, { method: 'POST', headers, body });
  const again = await fetch(url, { method: 'POST', headers, body });
  own.stop();

  expect([first.status, await first.json()]).toEqual([202, { stored: 1, duplicate: 0, ignored: 0 }]);
  expect([again.status, await again.json()]).toEqual([202, { stored: 0, duplicate: 1, ignored: 0 }]);
  expect(await running).toBe(0);
});

test.each([
  [['tokens', 'issue', 'order'], 7],
  [['tokens', 'issue', '*', '--verbs', 'fly'], 7],
  [['tokens', 'issue', '*', '--expires', 'soon'], 7],
  [['tokens', 'issue', '*', '--rate', '0'], 7],
  [['tokens', 'revoke', 'nobody'], 3],
  [['tokens', 'rotate', '0000000000000000'], 3],
  [['gateway', '--port', 'x'], 7],
  [['gateway', '--config', 'nowhere.json'], 7],
])('wakebus %s exits %i', async (argv, code) => {
  expect((await run(...argv)).code).toBe(code);
});
