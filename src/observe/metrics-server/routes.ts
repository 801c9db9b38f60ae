// What a path of the metrics API asks for, and its answer.
import type { Node, Pod } from '../../../generated/core-v1.ts';
import { type Labels, matchesSelector } from '../../api/meta/labels.ts';
import { matchesFields, parseFieldSelector, parseLabelSelector, SelectorError } from '../../api/meta/selectors.ts';
import { badRequest, methodNotSupported, notFound } from '../../api/meta/status-error.ts';
import type { Informer } from '../../reconcile/informer.ts';
import { apiGroup, apiGroupList, apiVersion, group, listOf, nodeMetrics, podMetrics, resourceList } from './answers.ts';
import type { NodeUsage } from './readings.ts';
import type { Scraper } from './scraper.ts';

export interface MetricsParts {
  readonly scraper: Scraper;
  readonly nodes: Informer<Node>;
  readonly pods: Informer<Pod>;
}

const root = `/apis/${apiVersion}`;
const documents: Readonly<Record<string, object>> = {
  '/apis': apiGroupList,
  [`/apis/${group}`]: apiGroup,
  [root]: resourceList,
};

/** @throws StatusError; undefined for a path that is none of ours */
export async function answer(parts: MetricsParts, method: string, url: URL): Promise<object | undefined> {
  const path = url.pathname.replace(/(?<=.)\/$/, '');
  const document = Object.hasOwn(documents, path) ? documents[path] : undefined;
  if (document) return document;
  if (!path.startsWith(`${root}/`)) return undefined;
  const [first, second, third, fourth, ...rest] = path
    .slice(root.length + 1)
    .split('/')
    .map(decodeURIComponent);
  if (rest.length > 0) return undefined;
  const isNamespaced = first === 'namespaces' && third === 'pods';
  if (!isNamespaced && ((first !== 'nodes' && first !== 'pods') || third !== undefined)) return undefined;
  if (method !== 'GET') throw methodNotSupported({ group, name: isNamespaced ? 'pods' : first! }, method.toLowerCase());
  const isChosen = chooser(url.searchParams);
  if (first === 'nodes') return nodeAnswer(parts, second, isChosen);
  if (isNamespaced) return podAnswer(parts, second!, fourth, isChosen);
  return second === undefined ? podAnswer(parts, '', undefined, isChosen) : undefined;
}

interface Described {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Labels };
}

type Choice = (object: Described) => boolean;

function chooser(query: URLSearchParams): Choice {
  try {
    const labels = parseLabelSelector(query.get('labelSelector') ?? '');
    const fields = parseFieldSelector(query.get('fieldSelector') ?? '');
    return ({ metadata }) =>
      matchesSelector(labels, metadata.labels) &&
      matchesFields(fields, { 'metadata.name': metadata.name, 'metadata.namespace': metadata.namespace ?? '' });
  } catch (error) {
    if (error instanceof SelectorError) throw badRequest(error.message);
    throw error;
  }
}

async function nodeAnswer({ scraper, nodes }: MetricsParts, name: string | undefined, isChosen: Choice) {
  const usage = await scraper.usage();
  const metricsOf = (node: Node) => {
    const measured = usage.get(node.metadata.name)?.node;
    return measured ? [nodeMetrics(node.metadata, measured)] : [];
  };
  if (name === undefined) return listOf('NodeMetrics', nodes.list().filter(isChosen).sort(byName).flatMap(metricsOf));
  const node = nodes.find(name);
  const [metrics] = node ? metricsOf(node) : [];
  if (!metrics) throw notFound({ group, name: 'nodemetrics' }, name);
  return metrics;
}

async function podAnswer(parts: MetricsParts, namespace: string, name: string | undefined, isChosen: Choice) {
  const usage = await parts.scraper.usage();
  const metricsOf = (pod: Pod) => {
    const measured = usageOf(usage, pod);
    return measured ? [podMetrics(pod.metadata, measured)] : [];
  };
  if (name === undefined) {
    const pods = parts.pods.list(namespace || undefined).filter(isChosen);
    return listOf('PodMetrics', [...pods].sort(byName).flatMap(metricsOf));
  }
  const pod = parts.pods.find(`${namespace}/${name}`);
  const [metrics] = pod ? metricsOf(pod) : [];
  if (!metrics) throw notFound({ group, name: 'podmetrics' }, `${namespace}/${name}`);
  return metrics;
}

function usageOf(usage: ReadonlyMap<string, NodeUsage>, { metadata, spec, status }: Pod) {
  if (status?.phase !== 'Running') return undefined;
  return usage.get(spec.nodeName ?? '')?.pods.get(`${metadata.namespace}/${metadata.name}`);
}

function byName(a: Described, b: Described): number {
  const [left, right] = [a, b].map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`) as [
    string,
    string,
  ];
  return left < right ? -1 : left > right ? 1 : 0;
}
