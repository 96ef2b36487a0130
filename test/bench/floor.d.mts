/** Types of `floor.mjs`, which is kept as it is. */
export function floor(
  nats: object,
  options: { servers: string; replicas?: number; ms?: number },
): Promise<Array<{ name: string; unit: string; value: number }>>;
