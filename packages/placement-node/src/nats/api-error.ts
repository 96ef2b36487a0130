/** A refusal by the JetStream API: its numbers are stable, its text is for people. */

interface ApiErrorBody {
  readonly code: number;
  readonly err_code?: number;
  readonly description?: string;
}

export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** As in HTTP. */
  readonly status: number;
  /** The server's own number, 0 where it gives none. */
  readonly errorCode: number;

  constructor(status: number, errorCode: number, description: string) {
    super(description);
    this.status = status;
    this.errorCode = errorCode;
  }

  static from(body: ApiErrorBody): ApiError {
    return new ApiError(body.code, body.err_code ?? 0, body.description ?? 'JetStream refused');
  }
}

/** The server's error number in whatever the client threw, 0 where there is none. */
export function apiErrorCode(thrown: unknown): number {
  if (thrown instanceof ApiError) return thrown.errorCode;
  const { code } = thrown as { code?: unknown };
  return typeof code === 'number' ? code : 0;
}
