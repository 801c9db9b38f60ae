// agnhost, which nearly every spec starts, and the images that are agnhost with a file more: Debian programs around
// upstream's one.
import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Kitchen, Recipe } from '../../../scripts/images/recipe.ts';
import { addLink, addRootFiles, dropDocumentation, mergeUsr } from '../../../scripts/images/root-files.ts';
import { ensureBusybox } from '../busybox-program.ts';
import { command } from '../command.ts';
import { places } from '../places.ts';
import { testImage } from './references.ts';

const packages = 'dash coreutils grep sed mawk curl bind9-dnsutils netcat-openbsd libc-bin iproute2 hostname'.split(
  ' ',
);

export const agnhost: Recipe = {
  name: 'agnhost',
  async cook(kitchen) {
    const debian = await kitchen.layer('debian', (root) => addDebian(kitchen, root));
    const program = await kitchen.layer('agnhost', addAgnhost);
    const nautilus = await kitchen.layer('nautilus', async (root) => {
      await writeFile(join(root, 'data.json'), '{"image": "nautilus.jpg"}\n');
      await writeFile(join(root, 'nautilus.jpg'), 'nautilus\n');
    });
    // Mounted as a volume: the spec wants to see whose image it is.
    const kitten = await kitchen.layer('kitten', async (root) => {
      await mkdir(join(root, 'etc'));
      await writeFile(join(root, 'data.json'), '{"image": "kitten.jpg"}\n');
      await writeFile(join(root, 'kitten.jpg'), 'kitten\n');
      await writeFile(join(root, 'etc/os-release'), 'NAME="Alpine Linux"\nID=alpine\n');
    });
    const exposedPorts = [80, 8080, 8081, 9376, 5000].map((port) => `${port}/tcp`);
    const config = { entrypoint: ['/agnhost'], cmd: ['pause'], exposedPorts };
    const webserver = { ...config, cmd: ['test-webserver'] };
    const base = [debian, program];
    return [
      { references: ['agnhost:2.63.0', 'agnhost:2.55'].map(testImage), layers: base, config },
      { references: [testImage('nautilus:1.8')], layers: [...base, nautilus], config: webserver },
      { references: [testImage('kitten:1.8')], layers: [...base, kitten], config: webserver },
      { references: [testImage('glibc-dns-testing:2.0.0')], layers: [debian], config: { cmd: ['sh'] } },
    ];
  },
};

async function addDebian(kitchen: Kitchen, root: string): Promise<void> {
  await addRootFiles(root);
  await kitchen.packages.unpack(packages, root);
  await mergeUsr(root);
  await dropDocumentation(root);
  // What Debian's maintainer scripts would link.
  await addLink(root, 'usr/bin/sh', 'dash');
  await addLink(root, 'usr/bin/nc', 'nc.openbsd');
  await addLink(root, 'usr/bin/awk', 'mawk');
}

async function addAgnhost(root: string): Promise<void> {
  await copyFile(join(places.programs, 'agnhost'), join(root, 'agnhost'));
  await chmod(join(root, 'agnhost'), 0o755);
  await addLink(root, 'agnhost-2', 'agnhost');
  // Upstream's image has busybox around it, and specs use these of its programs.
  await mkdir(join(root, 'usr/bin'), { recursive: true });
  await copyFile(await ensureBusybox(), join(root, 'usr/bin/busybox'));
  await chmod(join(root, 'usr/bin/busybox'), 0o755);
  for (const name of ['wget', 'ping', 'nsenter']) await addLink(root, `usr/bin/${name}`, 'busybox');
  await mkdir(join(root, 'uploads'));
  // Specs break and mend a readiness probe by moving the certificate away and back.
  const files = ['-keyout', join(root, 'localhost.key'), '-out', join(root, 'localhost.crt')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  await command('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '3650', ...subject, ...files]);
  await chmod(join(root, 'localhost.key'), 0o644);
  await addUsers(join(root, 'etc'));
}

/** A user with a group of its own, known to the image alone. */
async function addUsers(etc: string): Promise<void> {
  await mkdir(etc);
  const root = 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n';
  await writeFile(join(etc, 'passwd'), `${root}user-defined-in-image:x:1000:1000::/home:/bin/sh\n`);
  const groups = ['root:x:0:', 'nogroup:x:65534:', 'user-defined-in-image:x:1000:'];
  const own = 'group-defined-in-image:x:50000:user-defined-in-image';
  await writeFile(join(etc, 'group'), [...groups, own, ''].join('\n'));
}
