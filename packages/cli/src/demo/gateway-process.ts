/**
 * The gateway's process, as the demo handles it: start, kill, and start again on the port that GitHub knows.
 */
import { type FromGateway, type GatewaySetting, SECRET_VARIABLE } from './gateway-messages.ts';
import type { Guard } from './guard.ts';
import { GuardedProcess } from './guarded-process.ts';

/** One gateway's process. */
export class GatewayProcess {
  /** Where it listens. */
  readonly url: string;
  readonly #process: GuardedProcess<FromGateway>;

  private constructor(url: string, process: GuardedProcess<FromGateway>) {
    this.url = url;
    this.#process = process;
  }

  /** Starts a process and waits until its gateway listens. */
  static async start(setting: GatewaySetting, secret: string, guard: Guard): Promise<GatewayProcess> {
    const env = { [SECRET_VARIABLE]: secret };
    const start = { program: 'gateway-main', title: 'the gateway', setting, env };
    const process = new GuardedProcess<FromGateway>(start, guard);
    const { url } = await process.next('ready');
    return new GatewayProcess(url, process);
  }

  /** Kills it without a warning. */
  async kill(): Promise<void> {
    await this.#process.kill();
  }
}
