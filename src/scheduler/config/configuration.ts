// KubeSchedulerConfiguration of kubescheduler.config.k8s.io/v1: read strictly, filled with upstream's defaults, judged in
// upstream's words.

import { readConfigurationFile } from '../../base/configuration-file.ts';
import { ConfigurationError, checkFields } from '../../base/strict-fields.ts';
import { withArgDefaults } from './plugin-args.ts';
import { configurationFields, pluginArgsFields } from './schema.ts';
import type { Configuration, PluginConfig, Profile } from './types.ts';
import { validateConfiguration } from './validation.ts';

const configurationKind = {
  apiVersions: ['kubescheduler.config.k8s.io/v1'],
  kind: 'KubeSchedulerConfiguration',
  scheme: 'pkg/runtime/scheme.go:111',
};

type Json = Record<string, any>;

/** @throws ConfigurationError, in upstream's words. */
export function parseConfiguration(text: string): Configuration {
  const json = readConfigurationFile(text, configurationKind);
  checkFields(json, configurationFields);
  const configuration = withDefaults(json);
  const problems = validateConfiguration(configuration);
  if (problems.length > 0) {
    throw new ConfigurationError(problems.length === 1 ? problems[0]! : `[${problems.join(', ')}]`);
  }
  return configuration;
}

/** What a scheduler without a file has. */
export const defaultConfiguration = (): Configuration => withDefaults({});

function withDefaults(json: Json): Configuration {
  const profiles: Json[] = json['profiles']?.length ? json['profiles'] : [{}];
  const isOnly = profiles.length === 1;
  return {
    parallelism: json['parallelism'] ?? 16,
    percentageOfNodesToScore: json['percentageOfNodesToScore'] ?? 0,
    podInitialBackoffSeconds: json['podInitialBackoffSeconds'] ?? 1,
    podMaxBackoffSeconds: json['podMaxBackoffSeconds'] ?? 10,
    leaderElection: {
      leaderElect: true,
      leaseDuration: '15s',
      renewDeadline: '10s',
      retryPeriod: '2s',
      resourceLock: 'leases',
      resourceName: 'kube-scheduler',
      resourceNamespace: 'kube-system',
      ...json['leaderElection'],
    },
    clientConnection: { burst: 100, ...json['clientConnection'] },
    extenders: json['extenders'] ?? [],
    profiles: profiles.map((profile, index) => profileOf(profile, index, isOnly)),
  };
}

function profileOf(json: Json, index: number, isOnly: boolean): Profile {
  const given: Json[] = json['pluginConfig'] ?? [];
  const pluginConfig: PluginConfig[] = given.map((entry, at) => {
    const name: string = entry['name'] ?? '';
    const fields = Object.hasOwn(pluginArgsFields, name) ? pluginArgsFields[name] : undefined;
    const { kind: _, apiVersion: __, ...args } = entry['args'] ?? {};
    if (!fields) return { name, args };
    try {
      checkFields(args, fields);
    } catch (error) {
      const decoding = `decoding args for plugin ${name}: ${(error as Error).message}`;
      throw new ConfigurationError(
        `strict decoding error: decoding .profiles[${index}].pluginConfig[${at}]: strict decoding error: ${decoding}`,
      );
    }
    return { name, args: withArgDefaults(name, args) };
  });
  return {
    schedulerName: json['schedulerName'] ?? (isOnly ? 'default-scheduler' : ''),
    ...(json['percentageOfNodesToScore'] === undefined
      ? {}
      : { percentageOfNodesToScore: json['percentageOfNodesToScore'] }),
    plugins: json['plugins'] ?? {},
    pluginConfig,
  };
}
