// SPDX-License-Identifier: Apache-2.0
// @ts-check
/* What a process holds, what a server counts, and how times are distributed. */
import { readFileSync, readdirSync } from 'node:fs';

/** @param {number[]} values @param {number} q */
export const quantile = (values, q) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))];

/** "median 1.0, p99 2.0, most 3.0 ms" @param {number[]} values */
export function spread(values) {
  if (!values.length) return 'never';
  const [median, p99, most] = [0.5, 0.99, 1].map((q) => quantile(values, q).toFixed(1));
  return `median ${median}, p99 ${p99}, most ${most} ms`;
}

/** Bytes that a process holds in memory. @param {number} pid */
export const resident = (pid) => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;

/** Its children, those that are dead and not waited for among them. @param {number} pid */
export const childrenOf = (pid) => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);

/** What must not grow: descriptors, threads, children. @param {number} pid */
export const holdings = (pid) => ({
  descriptors: readdirSync(`/proc/${pid}/fd`).length,
  threads: Number(/Threads:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]),
  children: childrenOf(pid).length,
});

/** /metrics: the value of a line, by its name with its labels. @param {{url: string}} server */
export async function metricsOf(server) {
  const text = await (await fetch(server.url + 'metrics')).text();
  const lines = text.split('\n').filter((line) => line && line[0] !== '#');
  return new Map(lines.map((line) => /** @type {[string, number]} */ ([line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))])));
}
