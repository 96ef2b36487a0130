/**
 * A machine's drawing as Mermaid text, made from its definition: a drawing by hand would be wrong a week later.
 */
import type { AnyStateMachine, AnyStateNode } from 'xstate';

/**
 * Draws the states and transitions of a machine.
 *
 * Transitions of the root stand at a state of their own, "any state": Mermaid has no other way to say it.
 * Every state needs a name that is its alone; forbidden transitions are not drawn.
 */
export function mermaidOf(machine: AnyStateMachine): string {
  const lines = ['stateDiagram-v2', ...body(machine.root, '  ')];
  if (machine.root.transitions.size > 0)
    lines.push('  any: any state', ...edges(machine.root, 'any', () => true, '  '));
  return lines.join('\n');
}

/** What stands inside one composite state, or at the top. */
function body(parent: AnyStateNode, indent: string): string[] {
  const children = childrenOf(parent);
  const lines = (parent.initial.target ?? []).map((initial) => `${indent}[*] --> ${initial.key}`);
  for (const child of children) {
    const inner = childrenOf(child);
    if (inner.length > 0) lines.push(`${indent}state ${child.key} {`, ...body(child, `${indent}  `), `${indent}}`);
  }
  for (const child of children) lines.push(...edges(child, child.key, (target) => isBelow(target, parent), indent));
  // What leaves a composite state stands outside of it: Mermaid draws a name where it first stands.
  for (const child of children) lines.push(...leaving(child, child, (target) => isBelow(target, parent), indent));
  return lines;
}

/** Transitions from within a composite state to somewhere out of it. */
function leaving(
  composite: AnyStateNode,
  node: AnyStateNode,
  mayDraw: (target: AnyStateNode) => boolean,
  indent: string,
): string[] {
  return childrenOf(node).flatMap((inner) => [
    ...edges(inner, inner.key, (target) => !isBelow(target, composite) && mayDraw(target), indent),
    ...leaving(composite, inner, mayDraw, indent),
  ]);
}

/** One arrow for each pair of states, with every event that takes it. */
function edges(node: AnyStateNode, name: string, mayDraw: (target: AnyStateNode) => boolean, indent: string): string[] {
  const events = new Map<string, string[]>();
  for (const [event, transitions] of node.transitions) {
    for (const target of transitions.flatMap((candidate) => candidate.target ?? [])) {
      if (mayDraw(target)) events.set(target.key, [...(events.get(target.key) ?? []), event]);
    }
  }
  return [...events].map(([target, names]) => `${indent}${name} --> ${target}: ${names.join(', ')}`);
}

function childrenOf(node: AnyStateNode): AnyStateNode[] {
  return Object.values<AnyStateNode>(node.states);
}

function isBelow(node: AnyStateNode, ancestor: AnyStateNode): boolean {
  return ancestor.path.every((name, i) => node.path[i] === name) && node.path.length > ancestor.path.length;
}
