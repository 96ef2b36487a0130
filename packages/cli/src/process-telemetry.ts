/**
 * Telemetry of the processes that this command starts: spans and metrics where the standard `OTEL_*`
 * variables ask for them, and a log as JSON where `WAKEBUS_LOG_LEVEL` does.
 *
 * Nothing of the SDK is loaded otherwise: it takes 200 ms, and 45 MB.
 */
import type { NodeLog } from '@wakebus/placement-node';

/** What a process has to end with. */
export interface ProcessTelemetry {
  /** Sends what is left, in bounded time. */
  stop(): Promise<void>;
}

const NONE: ProcessTelemetry = { stop: () => Promise.resolve() };

/** Starts the SDK, if the environment asks for it. Call it before anything else. */
export async function startProcessTelemetry(serviceName: string): Promise<ProcessTelemetry> {
  if (!Object.keys(process.env).some((name) => name.startsWith('OTEL_'))) return NONE;
  const { isTelemetryWanted, startTelemetry } = await import('@wakebus/telemetry');
  if (!isTelemetryWanted()) return NONE;
  const name = process.env['OTEL_SERVICE_NAME'] ?? serviceName;
  return startTelemetry({ serviceName: name, onFault: (message) => console.error(message) });
}

/** The log of a placement node: JSON lines of the level that is asked for, else warnings as text. SIGUSR2 changes between `debug` and that level. */
export async function openNodeLog(): Promise<NodeLog> {
  if (process.env['WAKEBUS_LOG_LEVEL'] === undefined)
    return { info: () => {}, warn: (message) => console.error(message) };
  const { createLog, switchLevelOnSignal } = await import('@wakebus/telemetry');
  const log = createLog();
  switchLevelOnSignal(log);
  return log;
}
