// A container's environment: envFrom, then env in order with references resolved and `$(NAME)` expanded; service links first.
import { join } from 'node:path';
import type {
  ConfigMap,
  Container,
  EnvVar,
  FileKeySelector,
  Pod,
  Secret,
  Service,
} from '../../../generated/core-v1.ts';
import { readEnvFile } from './env-file.ts';
import { expandVariables } from './expand.ts';
import { fieldValue, type NodeFacts, resourceValue } from './field-ref.ts';
import { serviceEnvironment } from './service-env.ts';

/** Reads what a pod refers to; undefined when it does not exist. */
export interface ReferencedReader {
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>;
  secret(namespace: string, name: string): Promise<Secret | undefined>;
}

export interface EnvironmentInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly services: readonly Service[];
  readonly facts: NodeFacts;
  readonly objects: ReferencedReader;
  /** The folder of a volume. */
  readonly volumePath?: (name: string) => string | undefined;
}

/** The container cannot be configured as the pod asks: `CreateContainerConfigError`. */
export class ConfigError extends Error {}

/** @throws ConfigError for a reference that is missing and not optional. */
export async function containerEnvironment(input: EnvironmentInput): Promise<Map<string, string>> {
  const { pod, container, services } = input;
  const namespace = pod.metadata.namespace!;
  const links = serviceEnvironment(services, namespace, pod.spec.enableServiceLinks !== false);
  const result = new Map<string, string>();
  await addSources(input, namespace, result);
  const lookup = (name: string) => result.get(name) ?? links.get(name);
  for (const variable of container.env ?? []) {
    const value = variable.valueFrom
      ? await referencedValue(input, namespace, variable)
      : expandVariables(variable.value ?? '', lookup);
    if (value !== undefined) result.set(variable.name, value);
  }
  for (const [name, value] of links) if (!result.has(name)) result.set(name, value);
  return result;
}

async function addSources(
  { container, objects }: EnvironmentInput,
  namespace: string,
  result: Map<string, string>,
): Promise<void> {
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    if (configMapRef) {
      const found = await objects.configMap(namespace, configMapRef.name ?? '');
      if (!found && !configMapRef.optional) throw new ConfigError(`configmap "${configMapRef.name}" not found`);
      for (const [key, value] of Object.entries(found?.data ?? {})) result.set(prefix + key, value);
    } else if (secretRef) {
      const found = await objects.secret(namespace, secretRef.name ?? '');
      if (!found && !secretRef.optional) throw new ConfigError(`secret "${secretRef.name}" not found`);
      for (const [key, value] of Object.entries(found?.data ?? {}))
        result.set(prefix + key, Buffer.from(value, 'base64').toString());
    }
  }
}

async function referencedValue(
  input: EnvironmentInput,
  namespace: string,
  { valueFrom }: EnvVar,
): Promise<string | undefined> {
  const { pod, container, facts, objects } = input;
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = valueFrom!;
  if (fieldRef) return fieldValue(pod, fieldRef, facts);
  if (resourceFieldRef) return resourceValue(pod, resourceFieldRef, container.name, facts);
  if (fileKeyRef) return fileValue(input, fileKeyRef);
  if (configMapKeyRef) {
    const { name = '', key, optional } = configMapKeyRef;
    const found = await objects.configMap(namespace, name);
    if (!found && !optional) throw new ConfigError(`configmap "${name}" not found`);
    const value = found?.data?.[key];
    if (value === undefined && !optional)
      throw new ConfigError(`couldn't find key ${key} in ConfigMap ${namespace}/${name}`);
    return value;
  }
  if (secretKeyRef) {
    const { name = '', key, optional } = secretKeyRef;
    const found = await objects.secret(namespace, name);
    if (!found && !optional) throw new ConfigError(`secret "${name}" not found`);
    const value = found?.data?.[key];
    if (value === undefined && !optional)
      throw new ConfigError(`couldn't find key ${key} in Secret ${namespace}/${name}`);
    return value === undefined ? undefined : Buffer.from(value, 'base64').toString();
  }
  return undefined;
}

async function fileValue(
  { volumePath }: EnvironmentInput,
  { volumeName, path, key, optional }: FileKeySelector,
): Promise<string | undefined> {
  const root = volumePath?.(volumeName);
  if (!root) throw new ConfigError(`cannot find the volume "${volumeName}" referenced by FileKeyRef`);
  let value = '';
  try {
    value = await readEnvFile(root, path, key);
  } catch (error) {
    throw new ConfigError("couldn't parse env file", { cause: error });
  }
  if (value) return value;
  if (optional) return undefined;
  throw new ConfigError(`environment variable key "${key}" not found in file "${join(root, path)}"`);
}
