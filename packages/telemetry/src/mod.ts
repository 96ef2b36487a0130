/**
 * The OpenTelemetry SDK and a log, for processes that run Wakebus. Libraries never import this: they emit
 * through the API, and a process decides where it goes.
 */
export {
  type LogLevel,
  type LogOptions,
  type ProcessLog,
  createLog,
  isLogLevel,
  switchLevelOnSignal,
} from './process-log.ts';
export { type RunningTelemetry, type TelemetrySettings, isTelemetryWanted, startTelemetry } from './start-telemetry.ts';
