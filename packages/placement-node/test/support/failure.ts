/** What a promise was rejected with. */
export async function failure(work: Promise<unknown>): Promise<{ readonly code: string; readonly message: string }> {
  return work.then(
    (value) => {
      throw new Error(`expected a failure, got ${JSON.stringify(value)}`);
    },
    (error: { readonly code: string; readonly message: string }) => error,
  );
}
