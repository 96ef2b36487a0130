import { existsSync, globSync, readFileSync, readdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type PackageRule, architecture, impureNames, mostLines, nodeGlobals } from './architecture.ts';
import { type SourceFile, readSourceFile } from './source-file.ts';

const packages = readdirSync('packages').filter((name) => existsSync(join('packages', name, 'package.json')));

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string>>;
}

function manifest(name: string): Manifest {
  return JSON.parse(readFileSync(join('packages', name, 'package.json'), 'utf8')) as Manifest;
}

function sources(name: string): SourceFile[] {
  return globSync(join('packages', name, 'src/**/*.{ts,tsx,mts}')).map(readSourceFile);
}

/** One line for each import that the rule does not allow. */
function forbiddenImports(name: string, rule: PackageRule, file: SourceFile): string[] {
  return file.imports
    .filter((specifier) => !mayImport(name, rule, file, specifier))
    .map((specifier) => `${file.path} imports ${specifier}`);
}

function mayImport(name: string, rule: PackageRule, file: SourceFile, specifier: string): boolean {
  if (specifier.startsWith('.'))
    return !relative(join('packages', name, 'src'), resolve(file.path, '..', specifier)).startsWith('..');
  if (specifier.startsWith('node:')) return rule.node;
  const [, other, subpath] = /^@wakebus\/([^/]+)(.*)$/.exec(specifier) ?? [];
  if (other === undefined)
    return rule.external.some((allowed) => specifier === allowed || specifier.startsWith(`${allowed}/`));
  return rule.packages.includes(other) && `.${subpath}` in (manifest(other).exports ?? {});
}

test('the table names exactly the packages that exist', () => {
  expect(packages.toSorted()).toEqual(Object.keys(architecture).toSorted());
});

describe.each(Object.entries(architecture))('%s', (name, rule) => {
  const files = sources(name);

  test('has sources to look at', () => {
    expect(files.length).toBeGreaterThan(0);
  });

  test('imports only what the table allows', () => {
    expect(files.flatMap((file) => forbiddenImports(name, rule, file))).toEqual([]);
  });

  test('depends on no Wakebus package that the table forbids', () => {
    const depended = Object.keys(manifest(name).dependencies ?? {}).filter((dependency) =>
      dependency.startsWith('@wakebus/'),
    );

    expect(depended.filter((dependency) => !rule.packages.includes(dependency.slice('@wakebus/'.length)))).toEqual([]);
  });

  test('names what it exports, and keeps its files short', () => {
    expect(files.filter((file) => file.exportsAll || file.lines > mostLines).map((file) => file.path)).toEqual([]);
  });
});

test.each(namesWhere((rule) => !rule.node))('%s runs in a browser', (name) => {
  expect(uses(sources(name), nodeGlobals)).toEqual([]);
});

test.each(namesWhere((rule) => rule.browserFolders !== undefined))('parts of %s run in a browser', (name) => {
  const folders = (architecture[name] as PackageRule).browserFolders ?? [];
  const files = sources(name).filter(({ path }) => folders.some((folder) => path.includes(`/src/${folder}/`)));
  const outside = files.flatMap(({ path, imports }) =>
    imports.filter((specifier) => specifier.startsWith('node:')).map((specifier) => `${path} imports ${specifier}`),
  );

  expect(files.length).toBeGreaterThan(0);
  expect([...uses(files, nodeGlobals), ...outside]).toEqual([]);
});

test.each(namesWhere((rule) => rule.pure))('%s is pure', (name) => {
  expect(uses(sources(name), [...impureNames, 'async'])).toEqual([]);
});

function namesWhere(holds: (rule: PackageRule) => boolean): string[] {
  return Object.keys(architecture).filter((name) => holds(architecture[name] as PackageRule));
}

function uses(files: readonly SourceFile[], names: readonly string[]): string[] {
  return files.flatMap((file) =>
    names.filter((name) => file.names.has(name)).map((name) => `${file.path} uses ${name}`),
  );
}

test('the checker sees what it is there to see', () => {
  const file = readSourceFile('test/fixtures/architecture-sample.ts');

  expect(file.imports).toEqual(['node:fs', 'nats', '../core/mod.ts', '@wakebus/core', './late.ts']);
  expect(file.exportsAll).toBe(true);
  expect([...impureNames, ...nodeGlobals, 'async'].filter((name) => file.names.has(name))).toEqual([
    'Date.now',
    'new Date()',
    'Math.random',
    'setTimeout',
    'process',
    'async',
  ]);
  expect(
    forbiddenImports('core', architecture['core'] as PackageRule, { ...file, path: 'packages/core/src/mod.ts' }),
  ).toHaveLength(4);
});
