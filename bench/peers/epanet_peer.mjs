// The peer of bench_water: EPANET as epanet-js, hydraulics of one network over a time.
// Usage: node epanet_peer.mjs FILE.inp SECONDS
// Prints "N solves T s", T being CPU time between the first solution and the last, with an accuracy of 1e-6.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { Project, Workspace, Option, TimeParameter } = createRequire(import.meta.url)("epanet-js");
const [file, seconds] = process.argv.slice(2);
const workspace = new Workspace();
if (workspace.loadModule) {
    await workspace.loadModule();
}
workspace.writeFile("network.inp", readFileSync(file, "latin1"));
const project = new Project(workspace);
project.open("network.inp", "report.rpt", "out.bin");
project.setOption(Option.Accuracy, 1e-6);
project.setTimeParameter(TimeParameter.Duration, Number(seconds));
project.openH();
project.initH(10);
project.runH(); // the first solution starts from nothing, on both sides outside the clock
let step = project.nextH();
const begin = process.cpuUsage();
let solves = 0;
while (step > 0) {
    project.runH();
    solves++;
    step = project.nextH();
}
const { user, system } = process.cpuUsage(begin);
console.log(`${solves} solves ${((user + system) * 1e-6).toFixed(6)} s`);
project.closeH();
project.close();
