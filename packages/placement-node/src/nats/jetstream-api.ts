/**
 * Calls of the JetStream API as JSON, and reads that throw a typed error when nobody answers.
 */
import { WakebusError } from '@wakebus/protocol';
import { ApiError } from './api-error.ts';
import type { RequestMux, RequestOptions } from './request-mux.ts';

/** Asks the API. @throws {ApiError} when it refuses, NoReplyError when it does not answer. */
export async function callApi<T>(
  mux: RequestMux,
  subject: string,
  body?: unknown,
  options?: RequestOptions,
): Promise<T> {
  const data = body === undefined ? undefined : JSON.stringify(body);
  const message = await mux.request(`$JS.API.${subject}`, data, options);
  const answer = message.json<{ error?: { code: number; err_code?: number; description?: string } }>();
  if (answer.error !== undefined) throw ApiError.from(answer.error);
  return answer as T;
}

/** Turns whatever a read failed with into `UNAVAILABLE`: an error is not an empty answer. */
export async function orUnavailable<T>(what: string, read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (cause) {
    throw unavailable(what, cause);
  }
}

export function unavailable(what: string, cause: unknown): WakebusError<'UNAVAILABLE'> {
  return new WakebusError('UNAVAILABLE', { what }, { cause });
}
