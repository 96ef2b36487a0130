/** Calls of the JetStream API as JSON, with errors that have a number. */
import { WakebusError } from '@wakebus/protocol';
import type { RequestMux } from './request-mux.ts';

/** A refusal by the JetStream API. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** The server's own number, stable; 0 where it gives none. */
  readonly errorCode: number;

  constructor(body: ApiErrorBody) {
    super(body.description ?? 'JetStream refused');
    this.errorCode = body.err_code ?? 0;
  }
}

/** An error as the server writes it. */
export interface ApiErrorBody {
  readonly err_code?: number;
  readonly description?: string;
}

/** Asks the API. @throws {ApiError} when it refuses, NoReplyError when it does not answer. */
export async function callApi<T>(mux: RequestMux, subject: string, body?: unknown): Promise<T> {
  const message = await mux.request(`$JS.API.${subject}`, body);
  const answer = message.json<{ error?: ApiErrorBody }>();
  if (answer.error !== undefined) throw new ApiError(answer.error);
  return answer as T;
}

/** Turns whatever a read failed with into `UNAVAILABLE`: an error is not an empty answer. */
export async function orUnavailable<T>(what: string, read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (cause) {
    throw new WakebusError('UNAVAILABLE', { what }, { cause });
  }
}
