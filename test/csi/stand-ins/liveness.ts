// Tells over HTTP whether the driver says that it is well; the part of upstream's livenessprobe.
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { connectUnix } from '../../../src/kubelet/grpc/unix-client.ts';
import { identityService } from './csi-proto.ts';

export async function runLiveness(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    strict: false,
    options: {
      'csi-address': { type: 'string', default: '/run/csi/socket' },
      'health-port': { type: 'string', default: '9808' },
    },
  });
  const driver = connectUnix(String(values['csi-address']), identityService);
  createServer((_, response) => {
    driver.call('Probe', {}, { timeoutMs: 2_000 }).then(
      ({ ready }) => response.writeHead(ready && !ready.value ? 500 : 200).end('ok'),
      (error) => response.writeHead(500).end(String(error)),
    );
  }).listen(Number(values['health-port']));
}
