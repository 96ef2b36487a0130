/** A payload to begin with, out of an event's JSON Schema. */

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
}

/** As indented JSON; empty where nothing is known. */
export function exampleOf(schema: unknown): string {
  if (typeof schema !== 'object' || schema === null) return '';
  return JSON.stringify(valueOf(schema), null, 2);
}

function valueOf(schema: Schema): unknown {
  const given = schema.examples?.[0] ?? schema.default ?? schema.enum?.[0];
  if (given !== undefined) return given;
  switch (schema.type) {
    case 'object': {
      const fields = Object.entries(schema.properties ?? {}).filter(([name]) => name !== 'type');
      return Object.fromEntries(fields.map(([name, of]) => [name, valueOf(of)]));
    }
    case 'array':
      return schema.items === undefined ? [] : [valueOf(schema.items)];
    case 'number':
    case 'integer':
      return 0;
    case 'boolean':
      return false;
    default:
      return schema.type === 'null' ? null : '';
  }
}
