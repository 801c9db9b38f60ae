// Two tiny images for tests, as docker archives: pause (a static C program) and busybox (Debian's busybox-static).
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import tar from 'tar-stream';

interface Entry {
  readonly path: string;
  readonly mode?: number;
  readonly content?: Uint8Array;
  readonly linkTo?: string;
}

const pauseSource = `#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/wait.h>
static void end(int s){(void)s;exit(0);}
static void reap(int s){(void)s;while(waitpid(-1,0,WNOHANG)>0);}
int main(void){signal(SIGTERM,end);signal(SIGINT,end);signal(SIGCHLD,reap);for(;;)pause();}
`;

/** Writes `pause.tar` and `busybox.tar` into `dir`; needs gcc and busybox-static. */
export async function buildTestImages(dir: string): Promise<string[]> {
  writeFileSync(join(dir, 'pause.c'), pauseSource);
  execFileSync('gcc', ['-static', '-Os', '-o', join(dir, 'pause'), join(dir, 'pause.c')]);
  const busybox = readFileSync('/bin/busybox');
  const applets = execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).trim().split('\n');
  const root: Entry[] = [
    { path: 'bin/busybox', mode: 0o755, content: busybox },
    ...applets.filter((name) => name !== 'busybox').map((name) => ({ path: `bin/${name}`, linkTo: '/bin/busybox' })),
    { path: 'etc/passwd', content: Buffer.from('root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n') },
    { path: 'etc/group', content: Buffer.from('root:x:0:\nnogroup:x:65534:\n') },
    { path: 'tmp/', mode: 0o1777 },
  ];
  const pause = [{ path: 'pause', mode: 0o755, content: readFileSync(join(dir, 'pause')) }];
  return [
    await archive(join(dir, 'pause.tar'), 'registry.k8s.io/pause:3.10', pause, {
      Entrypoint: ['/pause'],
      User: '65535:65535',
    }),
    await archive(join(dir, 'busybox.tar'), 'docker.io/library/busybox:1.36', root, {
      Cmd: ['sh'],
      Env: ['PATH=/bin'],
    }),
  ];
}

async function archive(path: string, tag: string, entries: Entry[], config: object): Promise<string> {
  const layer = await pack(entries);
  const digest = createHash('sha256').update(layer).digest('hex');
  const image = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    config,
    rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
  });
  const manifest = JSON.stringify([{ Config: 'config.json', RepoTags: [tag], Layers: ['layer.tar'] }]);
  const outer = await pack([
    { path: 'manifest.json', content: Buffer.from(manifest) },
    { path: 'config.json', content: Buffer.from(image) },
    { path: 'layer.tar', content: layer },
  ]);
  writeFileSync(path, outer);
  return path;
}

async function pack(entries: Entry[]): Promise<Buffer> {
  const stream = tar.pack();
  for (const { path, mode = 0o644, content, linkTo } of entries) {
    const header = { name: path, mode, mtime: new Date(0) };
    if (linkTo) stream.entry({ ...header, type: 'symlink', linkname: linkTo });
    else if (path.endsWith('/')) stream.entry({ ...header, type: 'directory' });
    else stream.entry(header, Buffer.from(content!));
  }
  stream.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
