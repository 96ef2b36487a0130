/**
 * The server that the user already has.
 */

/**
 * The server URL that the environment names, for programs that start a server only when there is none.
 *
 * @param environment - Where to look. @default `process.env`
 * @returns `$NATS_URL` (several URLs may stand in it, separated by commas), or nothing when it is unset or empty.
 */
export function natsFromEnvironment(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  return environment['NATS_URL']?.trim() || undefined;
}
