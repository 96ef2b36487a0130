/** `observability/kubernetes` and `observability/helm`: what the API servers would take, and what Wakebus needs of it. */
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import * as keda from '@kubernetes-models/keda/keda.sh/v1alpha1';
import * as operator from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
import { runCli } from '@wakebus/cli';
import { DEFAULT_LIMITS } from '@wakebus/placement-node';
import { Ajv } from 'ajv';
import * as apps from 'kubernetes-models/apps/v1';
import * as networking from 'kubernetes-models/networking.k8s.io/v1';
import * as policy from 'kubernetes-models/policy/v1';
import * as core from 'kubernetes-models/v1';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { hello } from '../observability/kubernetes/agents.ts';
import { fakeIo } from '../packages/cli/test/fake-io.ts';
import { routes } from '../packages/gateway/src/app.ts';
import { readLimits } from '../packages/gateway/src/limits.ts';

const folder = 'observability/kubernetes';
const chart = 'observability/helm/wakebus';

type Labels = Readonly<Record<string, string>>;
interface Selecting {
  readonly matchLabels: Labels;
}
interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}
interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly env: ReadonlyArray<{ readonly name: string; readonly value: string }>;
  readonly ports: ReadonlyArray<{ name: string; containerPort: unknown }>;
  readonly volumeMounts: ReadonlyArray<{ readonly mountPath: string; readonly readOnly?: boolean }>;
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly lifecycle: { readonly preStop: { readonly sleep: { readonly seconds: number } } };
  readonly resources: object;
  readonly securityContext: object;
}
interface Pod {
  readonly automountServiceAccountToken: boolean;
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: { readonly runAsUser: number; readonly seccompProfile: object };
  readonly containers: readonly Container[];
}
interface Trigger {
  readonly metadata: Readonly<Record<string, string>>;
  readonly authenticationRef: { readonly name: string };
}

/** Of whatever kind, as far as these tests look into it. */
interface Spec {
  readonly selector: Partial<Selecting>;
  readonly podSelector?: Selecting;
  readonly template: { readonly metadata: { readonly labels: Labels }; readonly spec: Pod };
  readonly ports: ReadonlyArray<{ readonly name: string; readonly port: number }>;
  readonly endpoints: ReadonlyArray<{ readonly port: string }>;
  readonly scaleTargetRef: { readonly name: string };
  readonly minReplicaCount: number;
  readonly triggers: readonly Trigger[];
  readonly secretTargetRef: ReadonlyArray<{ readonly parameter: string }>;
}

/** Anything that Kubernetes takes. */
interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: Spec;
}

/** Checks by the schemas of Kubernetes 1.34, of KEDA, and of the Prometheus operator. */
const models: Readonly<Record<string, object>> = {
  'apps/v1': apps,
  'keda.sh/v1alpha1': keda,
  'monitoring.coreos.com/v1': operator,
  'networking.k8s.io/v1': networking,
  'policy/v1': policy,
  v1: core,
};

function check(resource: Resource): void {
  const Model = (models[resource.apiVersion] as Record<string, new (data: Resource) => { validate(): void }>)[
    resource.kind
  ];
  if (Model === undefined) throw new Error(`no schema for ${resource.apiVersion} ${resource.kind}`);
  new Model(resource).validate();
}

function resourcesIn(text: string): Resource[] {
  return parseAllDocuments(text).flatMap((document) => {
    expect(document.errors).toEqual([]);
    const value = document.toJS() as Resource | null;
    return value === null ? [] : [value];
  });
}

const kustomization = parse(readFileSync(`${folder}/kustomization.yaml`, 'utf8')) as {
  readonly namespace: string;
  readonly resources: readonly string[];
  readonly images: ReadonlyArray<{ readonly name: string; readonly newTag: string }>;
};
const resources = kustomization.resources.flatMap((file) => resourcesIn(readFileSync(`${folder}/${file}`, 'utf8')));

function only<T>(found: readonly T[], what?: string): T {
  expect(found, what).toHaveLength(1);
  return found[0] as T;
}

function find(kind: string, name: string): Resource {
  return only(
    resources.filter((each) => each.kind === kind && each.metadata.name === name),
    `${kind} ${name}`,
  );
}

const components = ['node', 'gateway'].map((component) => {
  const { spec } = find('Deployment', `wakebus-${component}`);
  const { metadata, spec: pod } = spec.template;
  return { component, spec, labels: metadata.labels, pod, container: only(pod.containers) };
});

const matches = (labels: Labels, selector: Labels): boolean =>
  Object.entries(selector).every(([name, value]) => labels[name] === value);

describe('the manifests', () => {
  test('are all there, and each is what its schema asks for', () => {
    const files = globSync(`${folder}/*.yaml`).map((path) => basename(path));
    expect(files.filter((file) => file !== 'kustomization.yaml').toSorted()).toEqual(
      kustomization.resources.toSorted(),
    );
    expect(resources.length).toBeGreaterThan(10);
    for (const resource of resources) check(resource);
    const wrong = structuredClone(find('Deployment', 'wakebus-node'));
    for (const { ports } of wrong.spec.template.spec.containers) for (const port of ports) port.containerPort = 'many';
    expect(() => check(wrong)).toThrow('containerPort');
  });

  test.each(components)('a $component has no rights, and writes nowhere but in /tmp', ({ pod, container }) => {
    expect(pod).toMatchObject({ automountServiceAccountToken: false, securityContext: { runAsNonRoot: true } });
    expect(pod.securityContext.runAsUser).toBeGreaterThan(0);
    expect(pod.securityContext.seccompProfile).toEqual({ type: 'RuntimeDefault' });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(container.resources).toMatchObject({
      requests: { cpu: expect.any(String) },
      limits: { memory: expect.any(String) },
    });
    const writable = container.volumeMounts.filter(({ readOnly }) => readOnly !== true);
    expect(writable.map(({ mountPath }) => mountPath)).toEqual(['/tmp']);
  });

  test.each(components)(
    'a $component is asked how it is where it answers, and has the time to drain',
    ({ component, pod, container }) => {
      const paths = [container.startupProbe, container.livenessProbe, container.readinessProbe].map(
        (probe) => probe.httpGet,
      );
      expect(paths).toEqual(['/health', '/health', '/ready'].map((path) => ({ path, port: container.ports[0]?.name })));
      const drainMs = component === 'node' ? DEFAULT_LIMITS.drainMs : readLimits().waitMs;
      const telemetrySeconds = 3;
      const needed = container.lifecycle.preStop.sleep.seconds + drainMs / 1_000 + telemetrySeconds;
      expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(needed);
    },
  );

  test.each(components)('what is about a $component selects its pods', ({ component, labels, spec }) => {
    const selector = (kind: string, name = `wakebus-${component}`): Labels => {
      const { spec: of } = find(kind, name);
      return (of.podSelector ?? of.selector).matchLabels ?? (of.selector as Labels);
    };
    const others = components.filter((other) => other.component !== component);
    const selectors = [
      spec.selector.matchLabels ?? {},
      ...['Service', 'PodDisruptionBudget', 'NetworkPolicy'].map((kind) => selector(kind)),
    ];
    for (const each of selectors) {
      expect(Object.keys(each).length).toBeGreaterThan(1);
      expect(matches(labels, each)).toBe(true);
      expect(others.some((other) => matches(other.labels, each))).toBe(false);
    }
    expect(matches(labels, selector('NetworkPolicy', 'wakebus-egress'))).toBe(true);
    expect(find('PodDisruptionBudget', `wakebus-${component}`).spec).toMatchObject({ maxUnavailable: 1 });
  });

  test.each(components)('a $component is started by a command with flags that there are', async ({ container }) => {
    const [command, ...args] = container.args as string[];
    using io = fakeIo();
    await runCli([command as string, '--help'], io);
    using global = fakeIo();
    await runCli(['--help'], global);
    const known = io.stdout + global.stdout;

    const flags = args.filter((arg) => arg.startsWith('--'));
    expect(flags.length).toBeGreaterThan(1);
    expect(flags.filter((flag) => !known.includes(flag))).toEqual([]);
  });

  test('the autoscaler asks the gateway for what it has, and nobody else counts the nodes', () => {
    const { spec } = find('ScaledObject', 'wakebus-node');
    const trigger = only(spec.triggers);
    const url = new URL(trigger.metadata['url'] ?? '');
    const service = find('Service', 'wakebus-gateway');
    expect(url.hostname).toBe(`wakebus-gateway.${kustomization.namespace}.svc`);
    expect(Number(url.port)).toBe(only(service.spec.ports).port);
    expect(routes.map(({ method, path }) => `${method} ${path}`)).toContain(`GET ${url.pathname}`);
    expect(trigger).toMatchObject({ type: 'metrics-api', metadata: { valueLocation: 'messages', authMode: 'bearer' } });
    const { spec: credentials } = find('TriggerAuthentication', trigger.authenticationRef.name);
    expect(only(credentials.secretTargetRef).parameter).toBe('token');
    expect(spec.minReplicaCount).toBeGreaterThan(0);
    expect(find('Deployment', spec.scaleTargetRef.name).spec).not.toHaveProperty('replicas');
  });

  test('the file that they bring along has the agents that the nodes are to run', () => {
    const [node] = find('Deployment', 'wakebus-node').spec.template.spec.containers;

    expect(node?.args[1]).toBe('/agents/agents.ts');
    expect(node?.volumeMounts.map(({ mountPath }) => mountPath)).toContain('/agents/agents.ts');
    expect(hello).toMatchObject({ type: 'hello', version: 1 });
  });

  test('the image has the files of the console, which nothing in it could build', () => {
    const steps = readFileSync(`${folder}/Dockerfile`, 'utf8').split(/^FROM /m);
    const built = 'packages/console/src/site';

    expect(steps.find((step) => step.includes('build-main.ts'))).toContain(
      `packages/console/src/build-main.ts ${built}\n`,
    );
    expect(steps.at(-2)).toContain(`COPY --from=console /app/${built} ${built}\n`);
    expect(readFileSync(`${folder}/Dockerfile.dockerignore`, 'utf8')).toContain('!packages/protocol/ERRORS.md\n');
  });

  test('metrics are read from the port on which a node shows them', () => {
    const endpoint = only(find('ServiceMonitor', 'wakebus-node').spec.endpoints);
    const port = only(find('Service', 'wakebus-node').spec.ports);
    const [node] = find('Deployment', 'wakebus-node').spec.template.spec.containers;
    expect(port).toMatchObject({ name: endpoint.port, targetPort: 'metrics' });
    expect(node?.ports).toContainEqual({ name: 'metrics', containerPort: 9464 });
    expect(node?.env).toContainEqual({ name: 'OTEL_METRICS_EXPORTER', value: 'prometheus' });
  });
});

/** Runs a program that is not everywhere to be had. */
function render(program: string, args: readonly string[]): string {
  const { status, stderr, stdout } = spawnSync(program, args, { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  return stdout;
}

const hasKubectl = spawnSync('kubectl', ['kustomize', '--help']).status === 0;
if (!hasKubectl) console.warn('kubectl is not here: observability/kubernetes is NOT rendered');

test.skipIf(!hasKubectl)('kustomize renders them: one namespace, pinned images, and the agents', () => {
  const rendered = resourcesIn(render('kubectl', ['kustomize', folder]));

  expect(rendered).toHaveLength(resources.length + 1);
  for (const resource of rendered) {
    check(resource);
    expect(resource.metadata.namespace).toBe(kustomization.namespace);
  }
  const images = rendered
    .filter(({ kind }) => kind === 'Deployment')
    .flatMap(({ spec }) => spec.template.spec.containers.map(({ image }) => image));
  expect(images.filter((image) => /^registry\.example\/wakebus:\d+\.\d+\.\d+$/.test(image))).toHaveLength(2);
  expect(rendered.find(({ kind }) => kind === 'ConfigMap')).toMatchObject({
    data: { 'agents.ts': readFileSync(`${folder}/agents.ts`, 'utf8') },
  });
});

describe('the chart', () => {
  const templates = globSync(`${chart}/templates/*`).map((path) => readFileSync(path, 'utf8'));
  const text = templates.join('\n');
  const values = parse(readFileSync(`${chart}/values.yaml`, 'utf8')) as Record<string, Record<string, unknown>>;
  const schema = JSON.parse(readFileSync(`${chart}/values.schema.json`, 'utf8')) as object;
  const validate = new Ajv({ strict: false, allErrors: true }).compile(schema);
  const withValue = (group: string, name: string, value: unknown): object => ({
    ...values,
    [group]: { ...values[group], [name]: value },
  });

  test('its values are what their schema says, and mistakes are found', () => {
    expect(validate(values), JSON.stringify(validate.errors)).toBe(true);
    const mistakes = [
      withValue('image', 'tag', 'latest'),
      withValue('node', 'replicas', 0),
      withValue('node', 'replica', 2),
      withValue('node', 'resources', { limit: {} }),
      withValue('nats', 'servers', 'nats.example'),
      withValue('gateway', 'enabled', false),
      { ...values, nodes: {} },
    ];
    expect(mistakes.map((mistake) => validate(mistake))).toEqual(mistakes.map(() => false));
  });

  test('its templates use every value, and none that is not there', () => {
    const used = new Set([...text.matchAll(/\.Values\.(\w+\.\w+)/g)].map(([, path]) => path as string));
    const given = Object.entries(values).flatMap(([group, of]) => Object.keys(of).map((name) => `${group}.${name}`));

    expect([...used].toSorted()).toEqual(given.toSorted());
  });

  test('its blocks end, and what it includes is defined', () => {
    for (const template of templates) {
      const opened = [...template.matchAll(/\{\{-? *(if|with|range|define) /g)];
      expect([...template.matchAll(/\{\{-? *end *-?\}\}/g)]).toHaveLength(opened.length);
    }
    const defined = [...text.matchAll(/define "([^"]+)"/g)].map(([, name]) => name);
    const included = new Set([...text.matchAll(/include "([^"]+)"/g)].map(([, name]) => name));
    expect([...included].toSorted()).toEqual(defined.toSorted());
  });

  const hasHelm = spawnSync('helm', ['version']).status === 0;
  if (!hasHelm) console.warn('helm is not here: observability/helm/wakebus is NOT rendered');

  test.skipIf(!hasHelm)('helm renders it, and every resource is what its schema asks for', () => {
    render('helm', ['lint', '--strict', chart]);
    const rendered = resourcesIn(render('helm', ['template', 'wakebus', chart, '--namespace', 'wakebus']));

    const named = (all: readonly Resource[]): string[] =>
      all.map(({ kind, metadata }) => `${kind} ${metadata.name}`).toSorted();
    expect(named(rendered)).toEqual(named(resources));
    for (const resource of rendered) check(resource);
  });
});
