import { expect, test } from 'vitest';
import { routes } from '../src/app.ts';
import { openApiOf } from '../src/openapi.ts';
import { ask, everyone, startWorld } from './world.ts';

interface Operation {
  readonly parameters?: ReadonlyArray<{ readonly name: string; readonly in: string }>;
  readonly requestBody?: { readonly content: Record<string, { readonly schema: unknown }> };
}

interface Document {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
}

const type = {
  v: 1,
  type: 'order',
  pool: 'default',
  version: 2,
  events: ['paid', 'item.added', '*'],
  updatedMs: 0,
} as const;

test('every route of a gateway is described, and nothing is described that is no route', () => {
  const { paths } = openApiOf([]) as unknown as Document;
  const described = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((m) => `${m} ${path}`));
  const wanted = routes
    .map(({ method, path }) => `${method.toLowerCase()} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
    .filter((route) => !route.endsWith('/openapi.json'));

  expect(described.toSorted()).toEqual([...wanted, 'get /health', 'get /ready'].toSorted());
});

test('every event of a type has a path, with its schema where the type has one', () => {
  const schema = { type: 'object', properties: { amount: { type: 'number' } } };
  const { paths } = openApiOf([{ ...type, schemas: { paid: schema } }]) as unknown as Document;

  expect(paths['/agents/order/{id}/paid']?.['post']?.requestBody?.content['application/json']?.schema).toEqual(schema);
  expect(paths).toHaveProperty(['/agents/order/{id}/item.added', 'post', 'requestBody']);
  expect(Object.keys(paths).filter((path) => path.includes('*'))).toEqual([]);
});

test('every parameter of a path is declared, and once', () => {
  const { paths } = openApiOf([type]) as unknown as Document;
  for (const [path, methods] of Object.entries(paths)) {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    for (const { parameters = [] } of Object.values(methods))
      expect([path, parameters.filter((one) => one.in === 'path').map(({ name }) => name)]).toEqual([path, named]);
  }
});

test('it is served with the types that have been started', async () => {
  await using world = await startWorld();
  await world.startNode();
  const gateway = await world.serve({ authorize: everyone });

  const { status, body } = await ask(gateway, 'GET', '/openapi.json');

  expect([status, body['openapi']]).toEqual([200, '3.1.0']);
  expect(body['paths']).toHaveProperty(
    ['/agents/tally/{id}/note', 'post', 'requestBody', 'content', 'application/json', 'schema', 'required'],
    ['text'],
  );
});
