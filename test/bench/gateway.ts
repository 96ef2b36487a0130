/** Events a second that a gateway takes over HTTP, beside the same stack answering 204. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { TokenStore } from '@wakebus/gateway';
import { startNatsServer } from '@wakebus/nats-server';
import { connectNats, createDeployment } from '@wakebus/placement-node';
import autocannon from 'autocannon';
import { type Row, atLeast, figure, within } from './rows.ts';

const SECONDS = 8;
const WARM_UP_SECONDS = 2;
const CONNECTIONS = 64;
/** Met by either: events a second on two cores, or the share of the floor. */
const LEAST_RATE = 8_000;
const LEAST_SHARE = 0.5;
const MAIN = join(import.meta.dirname, 'gateway-main.ts');

/** Nobody runs the agents: what is measured is taking events, with a token that is checked. */
export async function gatewayRows(): Promise<Row[]> {
  await using server = await startNatsServer();
  const connection = await connectNats({ servers: server.url });
  await createDeployment(connection);
  const { token } = await (await TokenStore.open(connection)).issue({ target: '*', verbs: ['send'] });
  const child = spawn(process.execPath, [MAIN, server.url], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const urls = await urlsOf(child);
    const floor = await load(urls.floor, token);
    const taken = await load(urls.gateway, token);
    return [
      eventRow(taken.rate, floor.rate),
      figure('p99 of an event over HTTP at that load, 64 connections', 'ms', taken.p99Ms),
      within('answers other than 202', 'requests', taken.others, 0),
    ];
  } finally {
    child.kill();
    await connection.close();
  }
}

/** Fast enough by itself, or beside a stack that is no faster here. */
function eventRow(rate: number, floor: number): Row {
  const row = atLeast('events taken over HTTP, with a token, to 204 of the same stack', '/s', rate, floor, LEAST_SHARE);
  return { ...row, target: `>= ${LEAST_RATE} /s or ${LEAST_SHARE} x`, met: row.met === true || rate >= LEAST_RATE };
}

async function urlsOf(child: ChildProcess): Promise<{ readonly gateway: string; readonly floor: string }> {
  const [text] = (await once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data')) as [Buffer];
  return JSON.parse(text.toString()) as { gateway: string; floor: string };
}

async function load(
  url: string,
  token: string,
): Promise<{ readonly rate: number; readonly p99Ms: number; readonly others: number }> {
  const options = {
    url: `${url}/agents/issue/42/commented`,
    method: 'POST' as const,
    connections: CONNECTIONS,
    body: '{"by":"ada","text":"Looks good to me"}',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
  };
  await autocannon({ ...options, duration: WARM_UP_SECONDS });
  const result = await autocannon({ ...options, duration: SECONDS });
  return { rate: result.requests.average, p99Ms: result.latency.p99, others: result.non2xx + result.errors };
}
