// resolv.conf by a pod's dnsPolicy.
import type { Pod } from '../../../generated/core-v1.ts';

export interface DnsSettings {
  readonly servers: string[];
  readonly searches: string[];
  readonly options: string[];
}

export interface ClusterDns {
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** The node's own resolv.conf. */
  readonly host: DnsSettings;
}

/** The three kinds of lines that matter. */
export function parseResolvConf(text: string): DnsSettings {
  const result: DnsSettings = { servers: [], searches: [], options: [] };
  for (const line of text.split('\n')) {
    const [keyword, ...words] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/);
    if (keyword === 'nameserver' && words[0]) result.servers.push(words[0]);
    else if (keyword === 'search' || keyword === 'domain') result.searches.splice(0, Infinity, ...words);
    else if (keyword === 'options') result.options.push(...words);
  }
  return result;
}

export function podDns(pod: Pod, { clusterDns, clusterDomain, host }: ClusterDns): DnsSettings {
  const { dnsPolicy = 'ClusterFirst', hostNetwork, dnsConfig } = pod.spec;
  const usesCluster =
    clusterDns.length > 0 &&
    (dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy === 'ClusterFirst' && !hostNetwork));
  let base: DnsSettings = { servers: [], searches: [], options: [] };
  if (usesCluster) {
    const own = [`${pod.metadata.namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain];
    base = { servers: [...clusterDns], searches: [...new Set([...own, ...host.searches])], options: ['ndots:5'] };
  } else if (dnsPolicy !== 'None') base = { ...host, servers: host.servers.slice(0, 3) };
  if (!dnsConfig) return base;
  const options = new Map(base.options.map((option) => [option.split(':')[0]!, option]));
  for (const { name = '', value } of dnsConfig.options ?? []) options.set(name, value ? `${name}:${value}` : name);
  return {
    servers: [...new Set([...base.servers, ...(dnsConfig.nameservers ?? [])])].slice(0, 3),
    searches: [...new Set([...base.searches, ...(dnsConfig.searches ?? [])])].slice(0, 32),
    options: [...options.values()],
  };
}
