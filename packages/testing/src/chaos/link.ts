/**
 * A TCP proxy on loopback between two processes, in which bytes can be held up: both ways or one way only.
 *
 * Every way between servers, placement nodes and clients passes through one, on any machine and without
 * rights. What is held up is delivered late when the link heals, as TCP would do after a partition; what
 * is lost takes its connection with it, because a stream with a hole is none.
 */
import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';

/** Which bytes pass: of requests (from whoever connects), of replies, of both or of neither. */
export type Flow = 'both' | 'requests' | 'replies' | 'neither';

/** One proxy, in front of one port. */
export class Link {
  readonly port: number;
  readonly #targetPort: number;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #flow: Flow = 'both';
  #isClosed = false;

  private constructor(server: Server, targetPort: number) {
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
    this.#targetPort = targetPort;
    server.on('connection', (socket) => this.#accept(socket));
  }

  /** Opens a proxy to a port on 127.0.0.1, on a free one. */
  static async open(targetPort: number): Promise<Link> {
    const server = createServer({ pauseOnConnect: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Link(server, targetPort);
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Holds up what does not pass from now on, and lets go what passes again. */
  pass(flow: Flow): void {
    this.#flow = flow;
    for (const pair of this.#pairs) pair.pass(flow);
  }

  /** Ends every connection, with all that is held up in it: those bytes never arrive. */
  lose(): void {
    for (const pair of this.#pairs) pair.destroy();
  }

  close(): void {
    this.#isClosed = true;
    this.#server.close();
    this.lose();
  }

  #accept(socket: Socket): void {
    if (this.#isClosed) return void socket.destroy();
    const pair = new Pair(socket, connect(this.#targetPort, '127.0.0.1'), () => this.#pairs.delete(pair));
    this.#pairs.add(pair);
    pair.pass(this.#flow);
  }
}

/** One connection through a link. */
class Pair {
  readonly #requests: Way;
  readonly #replies: Way;

  constructor(near: Socket, far: Socket, onGone: () => void) {
    let open = 2;
    const onEnd = (): void => {
      open -= 1;
      if (open === 0) onGone();
    };
    this.#requests = new Way(near, far, onEnd);
    this.#replies = new Way(far, near, onEnd);
  }

  pass(flow: Flow): void {
    this.#requests.pass(flow === 'both' || flow === 'requests');
    this.#replies.pass(flow === 'both' || flow === 'replies');
  }

  destroy(): void {
    this.#requests.destroy();
    this.#replies.destroy();
  }
}

/** One direction of one connection. */
class Way {
  readonly #from: Socket;
  readonly #to: Socket;
  #passes = true;
  #hasEnded = false;

  /** @param onEnd - Its sender has gone. */
  constructor(from: Socket, to: Socket, onEnd: () => void) {
    this.#from = from;
    this.#to = to;
    from.setNoDelay(true);
    from.on('data', (bytes) => {
      if (!to.write(bytes)) from.pause();
    });
    to.on('drain', () => this.#flow());
    from.on('error', () => {}); // It closes then, which is heard.
    from.on('close', () => {
      this.#hasEnded = true;
      this.#flow();
      onEnd();
    });
  }

  pass(passes: boolean): void {
    this.#passes = passes;
    if (passes) this.#flow();
    else this.#from.pause();
  }

  destroy(): void {
    this.#from.destroy();
  }

  /** Over a partition, nobody hears either that the other side has gone. */
  #flow(): void {
    if (!this.#passes) return;
    if (this.#hasEnded) this.#to.destroySoon();
    else if (!this.#to.writableNeedDrain) this.#from.resume();
  }
}
