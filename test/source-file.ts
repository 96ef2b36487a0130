/**
 * What a TypeScript source file imports and which outside names it uses, read from its syntax tree.
 */
import { readFileSync } from 'node:fs';
import { parseSync } from 'oxc-parser';

/** One source file as the architecture sees it. */
export interface SourceFile {
  readonly path: string;
  readonly lines: number;
  /** The specifiers of static, dynamic and type imports, and of re-exports. */
  readonly imports: readonly string[];
  readonly exportsAll: boolean;
  /** Identifiers, `object.property` pairs, `new Date()` and `async`, as written. */
  readonly names: ReadonlySet<string>;
}

interface Node {
  readonly type: string;
  readonly [property: string]: unknown;
}

/**
 * Reads a source file.
 *
 * @param path - The file.
 * @returns What it imports and uses.
 * @throws Error when it does not parse: a file that cannot be read must not pass for one that is clean.
 */
export function readSourceFile(path: string): SourceFile {
  const text = readFileSync(path, 'utf8');
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path} does not parse: ${errors[0]?.message}`);
  const nodes = [...walk(program)];
  return {
    path,
    lines: text.split('\n').length - 1,
    imports: nodes.flatMap(specifier),
    exportsAll: nodes.some((node) => node.type === 'ExportAllDeclaration' && node['exported'] === null),
    names: new Set(nodes.flatMap(namesIn)),
  };
}

/** Every node of a tree, the tree itself first. */
function* walk(value: unknown): Generator<Node> {
  if (Array.isArray(value)) for (const item of value) yield* walk(item);
  if (!isNode(value)) return;
  yield value;
  for (const [property, child] of Object.entries(value)) {
    // The names of properties and keys are no uses of outside names.
    const inert = (property === 'property' || property === 'key') && value['computed'] === false;
    if (!inert) yield* walk(child);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

/** `import`, `export … from`, `import()` and `import('…')` types all keep what they name in `source`. */
function specifier(node: Node): string[] {
  const source = node['source'];
  return isNode(source) && typeof source['value'] === 'string' ? [source['value']] : [];
}

function namesIn(node: Node): string[] {
  const { type, name, object, property, callee } = node;
  if (type === 'Identifier' && typeof name === 'string') return [name];
  if (node['async'] === true) return ['async'];
  if (type === 'MemberExpression' && isNode(object) && isNode(property))
    return [`${String(object['name'])}.${String(property['name'])}`];
  const bareDate = type === 'NewExpression' && isNode(callee) && callee['name'] === 'Date';
  return bareDate && Array.isArray(node['arguments']) && node['arguments'].length === 0 ? ['new Date()'] : [];
}
