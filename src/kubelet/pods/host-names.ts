// A pod's name on the network and its /etc/hosts.
import type { Pod } from '../../../generated/core-v1.ts';

export interface PodHostName {
  readonly hostname: string;
  /** `subdomain.namespace.svc.domain`, or ''. */
  readonly domain: string;
}

export function podHostName(pod: Pod, clusterDomain: string): PodHostName {
  const { hostname, subdomain, hostnameOverride } = pod.spec;
  if (hostnameOverride) return { hostname: hostnameOverride, domain: '' };
  const name = hostname || truncate(pod.metadata.name);
  return { hostname: name, domain: subdomain ? `${subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}` : '' };
}

/** What the kernel is told: the short name, or the whole one where the pod wants it. */
export function kernelHostName(pod: Pod, clusterDomain: string): string {
  const { hostname, domain } = podHostName(pod, clusterDomain);
  return pod.spec.setHostnameAsFQDN && domain ? `${hostname}.${domain}` : hostname;
}

function truncate(name: string): string {
  return name.length <= 63 ? name : name.slice(0, 63).replace(/[-.]+$/, '');
}

export function hostsFile(pod: Pod, podIPs: readonly string[], clusterDomain: string, hostFile: string): string {
  const aliases = (pod.spec.hostAliases ?? []).map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join('\t')}\n`);
  const extra = aliases.length ? `\n# Entries added by HostAliases.\n${aliases.join('')}` : '';
  if (pod.spec.hostNetwork) return `# Kubernetes-managed hosts file (host network).\n${hostFile}${extra}`;
  const { hostname, domain } = podHostName(pod, clusterDomain);
  const own = podIPs.map((ip) => `${ip}\t${domain ? `${hostname}.${domain}\t` : ''}${hostname}\n`);
  return [
    '# Kubernetes-managed hosts file.\n',
    '127.0.0.1\tlocalhost\n',
    '::1\tlocalhost ip6-localhost ip6-loopback\n',
    'fe00::0\tip6-localnet\n',
    'fe00::0\tip6-mcastprefix\n',
    'fe00::1\tip6-allnodes\n',
    'fe00::2\tip6-allrouters\n',
    ...own,
    extra,
  ].join('');
}
