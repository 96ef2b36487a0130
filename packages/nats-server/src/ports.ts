/**
 * Free ports on loopback.
 *
 * They lie below the range from which systems take the ports of outgoing connections, so that a server
 * that is down for a moment finds its port free when it restarts. Another process may still be quicker:
 * who starts a server on such a port must be ready to draw another one.
 */
import { createServer } from 'node:net';

const lowestPort = 20_000;
/** Linux begins its outgoing ports at 32,768, macOS and Windows at 49,152. */
const highestPort = 32_000;
const mostDraws = 200;

/**
 * Draws ports that nothing listens on.
 *
 * @param count - How many; they differ from each other.
 * @returns The ports.
 * @throws Error when the machine has hardly a free port left.
 */
export async function drawFreePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  for (let draws = 0; ports.size < count; draws += 1) {
    if (draws > mostDraws) throw new Error(`No free port between ${lowestPort} and ${highestPort} on 127.0.0.1`);
    const port = lowestPort + Math.floor(Math.random() * (highestPort - lowestPort));
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
