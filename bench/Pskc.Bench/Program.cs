using Pskc.Bench;

// ratios           makes a file, has python-pskc, pskctool and us read it, prints time and memory
// read FILE HEX    reads every key of a file once: what `ratios` runs as our process
// fuzz             reads one file after another from afl++ (tools/fuzz-pskc starts it)
// samples FOLDER   makes the sample files anew (fresh keys)
return args switch
{
    ["ratios", .. var rest] => Ratios.Print(rest.Length > 0 ? int.Parse(rest[0], null) : 100_000),
    ["read", var file, .. var key] => ReadAll.Run(file, key.Length > 0 ? key[0] : null),
    ["make", var file, var count, .. var key] => Make.Run(file, int.Parse(count, null), key.Length > 0 ? key[0] : null),
    ["fuzz"] => Fuzz.Run(),
    ["samples", var folder] => Samples.Write(folder),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("ratios [KEYS] | read FILE [KEY-HEX] | make FILE KEYS [KEY-HEX] | samples FOLDER");
    return 2;
}
