import { readFileSync } from 'node:fs';
import { attribute, metric, span } from '@wakebus/protocol';
import { expect, test } from 'vitest';

const readme = readFileSync(new URL('../observability/README.md', import.meta.url), 'utf8');
/** All that stands in backticks and looks like one of our names. */
const written = new Set([...readme.matchAll(/`([^`]+)`/g)].map(([, name]) => name as string));

const emitted: readonly string[] = [...Object.values(span), ...Object.values(metric)];
const attributes = Object.values(attribute).filter((name) => name.startsWith('wakebus.'));

test('every span and metric that is emitted stands in observability/, and the names are not empty', () => {
  expect(emitted.length).toBeGreaterThan(10);
  expect(emitted.filter((name) => !written.has(name))).toEqual([]);
});

test('every attribute of ours stands in observability/', () => {
  expect(attributes.filter((name) => !written.has(name))).toEqual([]);
});

test('nothing stands in observability/ that is not emitted', () => {
  const known = new Set([...emitted, ...attributes]);
  const ours = [...written].filter((name) => name.startsWith('wakebus.') || / agents?( message)?$/.test(name));
  expect(ours.length).toBeGreaterThan(10);
  expect(ours.filter((name) => !known.has(name))).toEqual([]);
});
