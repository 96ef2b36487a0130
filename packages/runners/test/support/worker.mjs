/** A program for tests: it does what its events say, over the frames of PROTOCOL.md. */
import { spawn } from 'node:child_process';
import { appendFileSync, openSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

let state = { count: 0 };
let wake;
const say = (frame) => process.stdout.write(`${JSON.stringify(frame)}\n`);
const note = (text) => process.env.NOTES && appendFileSync(process.env.NOTES, `${text}\n`);

const tasks = {
  add: ({ by }) => {
    state = { count: state.count + by };
    say({ type: 'state', state });
    say({ type: 'reply', value: state.count });
  },
  env: () => say({ type: 'reply', value: { env: process.env, wake, pid: process.pid, args: process.argv.slice(2) } }),
  attempt: (_event, { attempt, seq, id }) => say({ type: 'reply', value: { attempt, seq, id } }),
  tell: ({ to, what }) => say({ type: 'send', to, event: { type: 'add', by: what } }),
  mistell: () => {
    state = { count: -2 };
    say({ type: 'state', state });
    say({ type: 'send', to: 'no address', event: { type: 'add', by: 1 } });
  },
  later: ({ delayMs, by }) => say({ type: 'timer', id: 'later', delayMs, event: { type: 'add', by } }),
  refuse: () => say({ type: 'refuse', reason: 'I will not' }),
  rest: () => say({ type: 'sleep' }),
  finish: () => say({ type: 'complete', output: state }),
  print: ({ text }) => {
    console.log(text);
    console.error(`${text} on stderr`);
  },
  // Changes what it remembers before it fails: nobody may see that.
  fail: () => {
    state = { count: -1 };
    throw new Error('no such thing');
  },
  failOnce: (_event, { attempt }) => {
    if (attempt === 1) process.exit(3);
    say({ type: 'reply', value: attempt });
  },
  exit: ({ code }) => process.exit(code),
  abort: () => process.abort(),
  hangOnce: (_event, { attempt }) => {
    if (attempt > 1) return say({ type: 'reply', value: attempt });
    return new Promise(() => {});
  },
  hang: () => new Promise(() => {}),
  deaf: () => {
    input.pause();
    process.stdin.pause();
  },
  eat: () => {
    const kept = [];
    for (;;) kept.push(Buffer.alloc(16 * 1024 * 1024, 1));
  },
  flood: async () => {
    for (;;) {
      const line = JSON.stringify({ type: 'emit', event: { type: 'noise', text: 'x'.repeat(1_000_000) } });
      await new Promise((resolve) => process.stdout.write(`${line}\n`, resolve));
    }
  },
  never: () => say({ type: 'timer', id: 'never', delayMs: Number.MAX_VALUE, event: { type: 'add', by: 1 } }),
  ramble: () => {
    throw new Error('so '.repeat(1_000_000));
  },
  afterthought: (_event, { seq }) => {
    say({ type: 'done', seq });
    setTimeout(() => say({ type: 'state', state: { secret: 'of the agent' } }), 50);
    return new Promise(() => {});
  },
  garble: () => process.stdout.write('{"type":"send"}\n'),
  open: async ({ path }) => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    openSync(path, 'w');
    spawn('sleep', ['1000'], { stdio: 'ignore' });
    say({ type: 'reply', value: server.address().port });
  },
  connect: async ({ url }) => {
    const outcome = await fetch(url).then(
      () => 'reached',
      () => 'cut off',
    );
    say({ type: 'reply', value: outcome });
  },
  write: ({ path }) => {
    try {
      writeFileSync(path, 'written');
      say({ type: 'reply', value: 'written' });
    } catch (error) {
      say({ type: 'reply', value: error.code });
    }
  },
};

process.on('SIGTERM', () => {
  note(`SIGTERM ${wake?.address}`);
  if (process.env.STUBBORN === undefined) process.exit(0);
});

const input = createInterface({ input: process.stdin });
input.on('line', async (line) => {
  const frame = JSON.parse(line);
  if (frame.type === 'ping') say({ type: 'pong', n: frame.n });
  if (frame.type === 'wake') {
    wake = frame;
    state = frame.state ?? state;
    note(`wake ${frame.address}`);
    say({ type: 'hello', protocol: Number(process.env.PROTOCOL ?? 1) });
  }
  if (frame.type !== 'event') return;
  note(`event ${frame.event.type}`);
  try {
    await tasks[frame.event.type](frame.event, frame);
    say({ type: 'done', seq: frame.seq });
  } catch (error) {
    say({ type: 'error', seq: frame.seq, message: error.message });
  }
});
// A signal that comes with the end of the input is noted first.
input.on('close', () => {
  if (process.env.STUBBORN === undefined) setTimeout(() => process.exit(0), 500);
});
if (process.env.STUBBORN !== undefined) setInterval(() => {}, 1_000);
