// resolv.conf by a pod's dnsPolicy.
import type { Pod } from '../../../generated/core-v1.ts';

export interface DnsSettings {
  readonly servers: string[];
  readonly searches: string[];
  readonly options: string[];
}

export interface PodDns extends DnsSettings {
  /** What was left out of it. */
  readonly warnings: readonly string[];
}

const mostServers = 3;
export const mostSearches = 32;
export const longestSearch = 253;
export const longestSearchLine = 2048;

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

export function podDns(pod: Pod, { clusterDns, clusterDomain, host }: ClusterDns): PodDns {
  const { dnsPolicy = 'ClusterFirst', hostNetwork, dnsConfig } = pod.spec;
  const usesCluster =
    clusterDns.length > 0 &&
    (dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy === 'ClusterFirst' && !hostNetwork));
  let base: DnsSettings = { servers: [], searches: [], options: [] };
  if (usesCluster) {
    const own = [`${pod.metadata.namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain];
    base = { servers: [...clusterDns], searches: [...new Set([...own, ...host.searches])], options: ['ndots:5'] };
  } else if (dnsPolicy !== 'None') base = host;
  if (!dnsConfig) return withinLimits(base);
  const options = new Map(base.options.map((option) => [option.split(':')[0]!, option]));
  for (const { name = '', value } of dnsConfig.options ?? []) options.set(name, value ? `${name}:${value}` : name);
  return withinLimits({
    servers: [...new Set([...base.servers, ...(dnsConfig.nameservers ?? [])])],
    searches: [...new Set([...base.searches, ...(dnsConfig.searches ?? [])])],
    options: [...options.values()],
  });
}

/** What programs that look up names can bear: more would be ignored, or end them. */
function withinLimits({ servers: allServers, searches: all, options }: DnsSettings): PodDns {
  const servers = allServers.slice(0, mostServers);
  const searches = all.slice(0, mostSearches).filter(({ length }) => length <= longestSearch);
  while (searches.join(' ').length > longestSearchLine) searches.pop();
  const cut = (what: string, kind: string, line: string, applied: readonly string[]) =>
    `${what} limits were exceeded, some ${kind} have been omitted, the applied ${line} line is: ${applied.join(' ')}`;
  const warnings = [
    ...(servers.length < allServers.length ? [cut('Nameserver', 'nameservers', 'nameserver', servers)] : []),
    ...(searches.length < all.length ? [cut('Search Line', 'search paths', 'search', searches)] : []),
  ];
  return { servers, searches, options: [...options], warnings };
}
