import { type EventSchema, defineAgent } from '@wakebus/core';
import { expect, test } from 'vitest';
import { createMachine } from 'xstate';

const machine = createMachine({ on: { paid: {} } });
const schema = { type: 'object', properties: { amount: { type: 'number' } } };

test('a JSON Schema stands as it is, and a library’s schema as what it says of itself', () => {
  const library = {
    '~standard': {
      version: 1,
      jsonSchema: { input: ({ target }: { target: string }) => ({ ...schema, $comment: target }) },
    },
  };

  const { schemas } = defineAgent({ type: 'order', machine, schemas: { paid: schema, sent: library } });

  expect(schemas).toEqual({ paid: schema, sent: { ...schema, $comment: 'draft-2020-12' } });
});

test.each([
  ['no object', 5, 'schemas'],
  ['a schema that is none', { paid: 'text' }, 'schemas.paid'],
  ['a library that cannot say it', { paid: { '~standard': { version: 1 } } }, 'schemas.paid'],
])('%s is refused', (_what, schemas, option) => {
  expect(() => defineAgent({ type: 'order', machine, schemas: schemas as Record<string, EventSchema> })).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', facts: expect.objectContaining({ option }) }),
  );
});
