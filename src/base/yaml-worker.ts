// Reads one YAML text and ends. See yaml-thread.ts.
import { parentPort, workerData } from 'node:worker_threads';
import { YamlError } from './yaml.ts';
import { yamlToJson } from './yaml-json.ts';
import type { YamlTask, YamlVerdict } from './yaml-thread.ts';

function read({ text }: YamlTask): YamlVerdict {
  try {
    return yamlToJson(text);
  } catch (error) {
    if (error instanceof YamlError) return { problem: error.message };
    throw error;
  }
}

parentPort!.postMessage(read(workerData as YamlTask));
