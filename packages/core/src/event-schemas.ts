/**
 * JSON Schemas of an agent's events: what the registry says of them, for gateways and consoles. They describe; nothing
 * is refused by them here.
 */
import { WakebusError } from '@wakebus/protocol';

/** A JSON Schema, of draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A schema of a library that can say it as JSON Schema, as zod, valibot and arktype can. @see https://standardschema.dev/json-schema */
export interface JsonSchemaSource {
  readonly '~standard': {
    readonly jsonSchema: { input(options: { readonly target: 'draft-2020-12' }): JsonSchema };
  };
}

/** What `defineAgent` takes for an event. */
export type EventSchema = JsonSchema | JsonSchemaSource;

/** The schemas by event, as JSON Schema. @throws {WakebusError} `INVALID_OPTION`, `VALUE_NOT_DURABLE` where one is no data. */
export function readSchemas(schemas: Readonly<Record<string, EventSchema>> = {}): Readonly<Record<string, JsonSchema>> {
  return Object.freeze(
    Object.fromEntries(Object.entries(schemas).map(([event, schema]) => [event, jsonSchemaOf(event, schema)])),
  );
}

function jsonSchemaOf(event: string, schema: EventSchema): JsonSchema {
  if ((typeof schema !== 'object' && typeof schema !== 'function') || schema === null)
    throw invalid(event, 'write a JSON Schema, or a schema that can say itself as one');
  const source = (schema as JsonSchemaSource)['~standard'];
  if (source === undefined) return schema as JsonSchema;
  if (typeof source.jsonSchema?.input !== 'function')
    throw invalid(event, 'its library cannot say it as JSON Schema; update it, or write the JSON Schema');
  return source.jsonSchema.input({ target: 'draft-2020-12' });
}

function invalid(event: string, why: string): WakebusError<'INVALID_OPTION'> {
  return new WakebusError('INVALID_OPTION', { option: `schemas.${event}`, why });
}
