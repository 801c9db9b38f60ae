import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultConfiguration, parseConfiguration } from './configuration.ts';
import { argsOf } from './plugin-args.ts';
import { activePlugins } from './profile-plugins.ts';

const header = 'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n';

/** What upstream's scheduler says of the same file. */
function problemOf(body: string): string {
  try {
    for (const profile of parseConfiguration(header + body).profiles) activePlugins(profile);
    return 'none';
  } catch (error) {
    return (error as Error).message;
  }
}

const cases: Readonly<Record<string, string>> = {
  'parallelism: 0\npodInitialBackoffSeconds: 0':
    '[parallelism: Invalid value: 0: should be an integer value greater than zero, podInitialBackoffSeconds: Invalid value: 0: must be greater than 0]',
  'percentageOfNodesToScore: 101': 'percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]',
  'profiles: [{schedulerName: a}, {schedulerName: a}, {}]':
    '[profiles[1].schedulerName: Duplicate value: {}, profiles[2].schedulerName: Required value]',
  'parallelism: x':
    'json: cannot unmarshal string into Go struct field KubeSchedulerConfiguration.parallelism of type int32',
  'profilez: []': 'strict decoding error: unknown field "profilez"',
  'profiles: [{plugins: {filter: {enabled: [{name: Nope}]}}}]':
    'initializing profiles: creating profile for scheduler name default-scheduler: FilterPlugin "Nope" does not exist',
  'profiles: [{plugins: {score: {enabled: [{name: NodeName}]}}}]':
    'initializing profiles: creating profile for scheduler name default-scheduler: plugin "NodeName" does not extend ScorePlugin plugin',
  'profiles: [{plugins: {queueSort: {disabled: [{name: "*"}]}}}]':
    'initializing profiles: creating profile for scheduler name default-scheduler: only one queue sort plugin required for profile with scheduler name "default-scheduler", but got 0',
  'profiles: [{pluginConfig: [{name: InterPodAffinity, args: {hardPodAffinityWeight: 200}}]}]':
    'profiles[0].pluginConfig[0].args.hardPodAffinityWeight: Invalid value: 200: not in valid range [0, 100]',
  'profiles: [{pluginConfig: [{name: InterPodAffinity, args: {hardPodAffinityWeigh: 20}}]}]':
    'strict decoding error: decoding .profiles[0].pluginConfig[0]: strict decoding error: decoding args for plugin InterPodAffinity: strict decoding error: unknown field "hardPodAffinityWeigh"',
  'profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: Foo}}}]}]':
    'initializing profiles: creating profile for scheduler name default-scheduler: initializing plugin "NodeResourcesFit": scoringStrategy.type: Unsupported value: "Foo": supported values: "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"',
  'extenders: [{urlPrefix: "http://x", prioritizeVerb: p, bindVerb: b}, {urlPrefix: "http://y", bindVerb: b}]':
    '[extenders[0].weight: Invalid value: 0: must have a positive weight applied to it, extenders: Invalid value: "found 2 extenders implementing bind": only one extender can implement bind]',
  'leaderElection: {leaderElect: true, leaseDuration: 5s, renewDeadline: 10s}':
    'leaderElection.leaseDuration: Invalid value: "10s": must be greater than `RenewDeadline`',
};

test('what is wrong with a file is said as upstream says it', () => {
  for (const [body, expected] of Object.entries(cases)) assert.equal(problemOf(body), expected);
  assert.throws(() => parseConfiguration('apiVersion: kubescheduler.config.k8s.io/v1beta3\nkind: Foo'), {
    message:
      'no kind "Foo" is registered for version "kubescheduler.config.k8s.io/v1beta3" in scheme "pkg/runtime/scheme.go:111"',
  });
});

test('a file without profiles has the default one, with its plugins and arguments', () => {
  const [profile] = parseConfiguration(header).profiles;
  assert.deepEqual(parseConfiguration(header), defaultConfiguration());
  assert.equal(profile!.schedulerName, 'default-scheduler');
  const { score, postFilter } = activePlugins(profile!);
  assert.deepEqual(
    score.find(({ name }) => name === 'TaintToleration'),
    { name: 'TaintToleration', weight: 3 },
  );
  assert.deepEqual(
    postFilter.map(({ name }) => name),
    ['DynamicResources', 'DefaultPreemption'],
  );
  assert.equal(argsOf(profile!, 'DefaultPreemption').minCandidateNodesAbsolute, 100);
});

test('plugins are taken out, brought back and weighed anew, at one point or at all', () => {
  const scoresOf = (plugins: string) => {
    const [profile] = parseConfiguration(`${header}profiles: [{plugins: ${plugins}}]`).profiles;
    return activePlugins(profile!).score.map(({ name, weight }) => `${name}=${weight}`);
  };
  assert.deepEqual(scoresOf('{score: {disabled: [{name: "*"}], enabled: [{name: ImageLocality, weight: 7}]}}'), [
    'ImageLocality=7',
  ]);
  assert.ok(!scoresOf('{multiPoint: {disabled: [{name: NodeAffinity}]}}').includes('NodeAffinity=2'));
  assert.ok(scoresOf('{multiPoint: {enabled: [{name: NodeAffinity, weight: 9}]}}').includes('NodeAffinity=9'));
  const twice = '{multiPoint: {disabled: [{name: "*"}], enabled: [{name: PrioritySort}, {name: DefaultBinder}]}}';
  assert.deepEqual(scoresOf(twice), []);
});
