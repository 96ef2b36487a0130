/** Checks of options, and what is said of one that is wrong: its full name, and what to write instead. */
import { WakebusError } from './errors.ts';

/** Checks of one group of options. What they find wrong they throw, as `INVALID_OPTION`. */
export interface OptionChecks {
  /** The error to throw. @param why - What to do, as the end of a sentence. */
  readonly wrong: (option: string, why: string, cause?: unknown) => WakebusError<'INVALID_OPTION'>;
  /** Refuses options of other names. */
  readonly known: (given: object, options: Iterable<string>) => void;
  readonly oneOf: <T extends string>(option: string, value: T, allowed: readonly T[]) => T;
  /** A whole number between two bounds, both included. */
  readonly whole: (option: string, value: number, least: number, most: number) => number;
}

/** @param group - What takes the options: it stands before the name of each. */
export function optionChecks(group: string): OptionChecks {
  const wrong: OptionChecks['wrong'] = (option, why, cause) =>
    new WakebusError('INVALID_OPTION', { option: `${group}.${option}`, why }, cause === undefined ? {} : { cause });
  return {
    wrong,
    known: (given, options) => {
      const names = [...options];
      const unknown = Object.keys(given).find((option) => !names.includes(option));
      if (unknown !== undefined) throw wrong(unknown, `it is unknown; known are ${names.join(', ')}`);
    },
    oneOf: (option, value, allowed) => {
      if (allowed.includes(value)) return value;
      throw wrong(option, `write one of ${allowed.map((name) => `"${name}"`).join(', ')}`);
    },
    whole: (option, value, least, most) => {
      if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
      throw wrong(option, `write a whole number from ${least} to ${most}`);
    },
  };
}
