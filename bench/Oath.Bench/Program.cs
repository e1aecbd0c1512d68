using BenchmarkDotNet.Running;
using Oath.Bench;

// ratios: one line per case and peer, in under 45 s. ratios-here: the same cases of one child process, see Ratios.
// Anything else: the full tables, by BenchmarkDotNet's own arguments.
if (args is ["ratios"])
    return Ratios.PrintAll();
if (args is ["ratios-here", var prefix])
    return Ratios.PrintWhatThisProcessorHas(prefix);

BenchmarkSwitcher.FromAssembly(typeof(Ratios).Assembly).Run(args);
return 0;
