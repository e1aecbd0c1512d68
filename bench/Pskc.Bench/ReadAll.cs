namespace Pskc.Bench;

/// <summary>Reads, checks and decrypts every key of a file, as an import would.</summary>
internal static class ReadAll
{
    public static int Run(string path, string? keyHex)
    {
        using var key = keyHex is null ? null : KeySource.PreSharedKey(Convert.FromHexString(keyHex));
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16,
            FileOptions.SequentialScan);
        using var reader = PskcReader.Open(file, new PskcReadOptions { Key = key });
        long keys = 0, octets = 0, counters = 0;
        foreach (var package in reader.ReadKeyPackages())
        {
            using (package)
            {
                foreach (var one in package.Keys)
                {
                    keys++;
                    octets += one.Secret!.Length;
                    counters += one.Counter!.Value;
                }
            }
        }
        Console.WriteLine($"{keys} keys, {octets} octets of secrets, counters {counters}");
        return 0;
    }
}
