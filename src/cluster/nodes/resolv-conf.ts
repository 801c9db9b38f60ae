import { readFile } from 'node:fs/promises';
import { parseResolvConf } from '../../network/dns/upstreams.ts';

const usual = '/etc/resolv.conf';
/** systemd-resolved names its real servers here, and only itself, on loopback, in the usual place. */
const real = '/run/systemd/resolve/resolv.conf';

/** The file whose resolvers pods and nodes in namespaces reach as well: no loopback of the machine is theirs. */
export async function resolvConfFile(files: { readonly usual: string; readonly real: string } = { usual, real }) {
  const serversIn = (file: string) => readFile(file, 'utf8').then(parseServers, () => []);
  const isOurs = ({ address }: { address: string }) => address.startsWith('127.') || address === '::1';
  if (!(await serversIn(files.usual)).every(isOurs)) return files.usual;
  return (await serversIn(files.real)).some((server) => !isOurs(server)) ? files.real : files.usual;
}

const parseServers = (text: string) => parseResolvConf(text);
