// The README's first five minutes, run as they stand on simulated nodes; and every example accepted as it is written.
import assert from 'node:assert/strict';
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { kubectlProgram, root, run, TestCluster } from './e2e/cluster.ts';

interface Step {
  readonly command: string;
  readonly printed: readonly string[];
}

/** The commands (`$ …`) of all blocks marked `sh test`, each with the lines the page says it prints. */
function stepsOf(page: string): Step[] {
  const blocks = [...page.matchAll(/^```sh test\n(.*?)^```$/gms)].map(([, block]) => block!);
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((text) => {
        const [command = '', ...printed] = text.split('\n');
        return { command, printed: printed.filter((line) => line.trim() !== '') };
      }),
  );
}

/** What differs from run to run becomes a word of its own: names of pods, ages, addresses, ports; blanks count once. */
function shape(line: string): string {
  return line
    .replace(/-[a-z0-9]{8,10}-[a-z0-9]{5}\b/g, '-HASH-NAME')
    .replace(/\b\d+\.\d+\.\d+\.\d+\b/g, 'ADDRESS')
    .replace(/\b3[0-2]\d{3}\b/g, 'PORT')
    .replace(/\b(?:\d+[smh])+(?=\s|$)/g, 'AGE')
    .replace(/\s+/g, ' ')
    .trim();
}

describe('documentation', () => {
  test("the README's first five minutes run and print what it says", async (t) => {
    const steps = stepsOf(readFileSync(join(root, 'README.md'), 'utf8'));
    assert.ok(steps.length >= 8, 'the README has its blocks');
    await using cluster = await TestCluster.create({ simulatedNodes: 3 });
    const env = {
      KUBECONFIG: cluster.kubeconfig,
      PATH: `${dirname(kubectlProgram())}:${process.env['PATH']}`,
      HOME: cluster.folder,
    };
    for (const { command, printed } of steps) {
      await t.test(command, async () => {
        const output = await run('bash', ['-c', `${command} 2>&1`], { env, timeoutMs: 30_000 });
        assert.equal(output.code, 0, output.stdout);
        const lines = new Set(output.stdout.split('\n').map(shape));
        for (const line of printed) assert.ok(lines.has(shape(line)), `${line}\nis not in\n${output.stdout}`);
      });
    }
  });

  test('every example is accepted without a warning but those of old versions', async () => {
    await using cluster = await TestCluster.create({ simulatedNodes: 0 });
    await cluster.eventually('pods may be made', () => cluster.kubectl('get serviceaccount default'));
    const folders = ['examples', 'examples/walk-through'].map((folder) => join(root, folder));
    const files = folders.flatMap((folder) => readdirSync(folder).map((file) => join(folder, file)));
    for (const file of files.filter((each) => each.endsWith('.yaml'))) {
      const output = await cluster.tryKubectl(`apply --validate=strict -f ${file}`);
      assert.equal(output.code, 0, `${file}: ${output.stderr}`);
      const warnings = output.stderr.split('\n').filter((line) => line && !/is deprecated/.test(line));
      assert.deepEqual(warnings, [], file);
    }
  });

  test('every code of a failure is explained', () => {
    const page = readFileSync(join(root, 'docs/troubleshooting.md'), 'utf8');
    const sources = globSync('src/{cli,cluster}/**/*.ts', { cwd: root }).map((file) =>
      readFileSync(join(root, file), 'utf8'),
    );
    const codes = new Set(sources.flatMap((text) => text.match(/(?<=')E_[A-Z_]+(?=')/g) ?? []));
    assert.ok(codes.size > 10);
    assert.deepEqual(
      [...codes].filter((code) => !page.includes(`\`${code}\``)),
      [],
    );
  });

  test('no page links to a file that is not there', () => {
    const places = ['*.md', '{docs,src,examples,bench,test,images}/**/*.md'];
    const broken = globSync(places, { cwd: root }).flatMap((page) => {
      const text = readFileSync(join(root, page), 'utf8');
      const targets = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, target]) => target!);
      return targets
        .filter((target) => !/^[a-z]+:/.test(target) && !existsSync(join(root, dirname(page), target)))
        .map((target) => `${page} → ${target}`);
    });
    assert.deepEqual(broken, []);
  });
});
