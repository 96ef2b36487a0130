/**
 * The log of a process: one JSON object a line, on standard error unless told otherwise.
 *
 * It is what `startPlacementNode` takes as `log`. Its level can be changed while it runs.
 */
import { type DestinationStream, type Logger, pino } from 'pino';

const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

/** How much is written. `info` has one line a change of an agent's lifecycle; `warn` what an operator should read. */
export type LogLevel = (typeof LEVELS)[number];

export interface LogOptions {
  /** @default `WAKEBUS_LOG_LEVEL`, else "info". */
  readonly level?: LogLevel;
  /** Stands in every line. @default none. */
  readonly facts?: Readonly<Record<string, unknown>>;
  /** Where lines go. @default standard error, written at once: the last line before a crash matters most. */
  readonly destination?: DestinationStream;
}

/** A log whose level can be changed. */
export interface ProcessLog {
  level: LogLevel;
  debug(message: string, facts?: Readonly<Record<string, unknown>>): void;
  info(message: string, facts?: Readonly<Record<string, unknown>>): void;
  warn(message: string, facts?: Readonly<Record<string, unknown>>): void;
  error(message: string, facts?: Readonly<Record<string, unknown>>): void;
}

/** Whether some text names a level. */
export function isLogLevel(text: string | undefined): text is LogLevel {
  return (LEVELS as readonly (string | undefined)[]).includes(text);
}

/**
 * From now on the signal changes a log between `debug` and the level that it has: look closer at a process that
 * misbehaves, without a restart. Without this, SIGUSR2 ends a process.
 */
export function switchLevelOnSignal(log: ProcessLog, signal: NodeJS.Signals = 'SIGUSR2'): void {
  let usual = log.level;
  process.on(signal, () => {
    const { level } = log;
    log.level = level === 'debug' ? usual : 'debug';
    if (level !== 'debug') usual = level;
  });
}

/** Makes a log. */
export function createLog(options: LogOptions = {}): ProcessLog {
  const { facts = {}, destination = pino.destination({ dest: 2, sync: true }) } = options;
  const logger = pino(
    {
      level: options.level ?? levelFromEnvironment(),
      base: facts,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  return new PinoLog(logger);
}

class PinoLog implements ProcessLog {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get level(): LogLevel {
    return this.#logger.level as LogLevel;
  }

  set level(level: LogLevel) {
    this.#logger.level = level;
  }

  debug(message: string, facts: Readonly<Record<string, unknown>> = {}): void {
    this.#logger.debug(facts, message);
  }

  info(message: string, facts: Readonly<Record<string, unknown>> = {}): void {
    this.#logger.info(facts, message);
  }

  warn(message: string, facts: Readonly<Record<string, unknown>> = {}): void {
    this.#logger.warn(facts, message);
  }

  error(message: string, facts: Readonly<Record<string, unknown>> = {}): void {
    this.#logger.error(facts, message);
  }
}

function levelFromEnvironment(): LogLevel {
  const given = process.env['WAKEBUS_LOG_LEVEL'];
  return isLogLevel(given) ? given : 'info';
}
