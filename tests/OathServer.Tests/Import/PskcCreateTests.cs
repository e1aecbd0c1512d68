using System.Globalization;
using System.Security.Cryptography;
using Pskc;

namespace OathServer.Tests.Import;

/// <summary><c>pskc create</c>: what it writes is read by others to the same secrets, and what it cannot do whole it does
/// not do at all.</summary>
public sealed class PskcCreateTests : IDisposable
{
    private const string PythonReader = """
        import sys, pskc
        p = pskc.PSKC(sys.argv[1])
        p.encryption.key = bytes.fromhex(open(sys.argv[2]).read().strip())
        for k in p.keys: print(k.serial, k.secret.hex(), k.counter)
        """;

    private readonly string folder = Directory.CreateTempSubdirectory("pskc-create-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Fresh_keys_are_counted_up_sealed_and_read_by_another_tool_to_the_same_secrets()
    {
        var made = await CommandLine.OathServerAsync("pskc", "create", At("a.pskcxml"), "--count", "12", "--first-serial", "DE0095",
            "--random-counter", "--digits", "8", "--for-new-key-file", At("a.key"));
        Assert.True(made.Exit == 0, made.Errors);

        var ours = Read(At("a.pskcxml"), At("a.key"));
        Assert.Equal(Enumerable.Range(95, 12).Select(i => $"DE{i:D4}"), ours.Select(k => k.Serial));
        Assert.Equal(12, ours.Select(k => k.Secret).Distinct().Count());
        Assert.All(ours, k => Assert.Equal((40, 8), (k.Secret.Length, k.Digits)));
        Assert.True(ours.Select(k => k.Counter).Distinct().Count() > 6);
        var theirs = await CommandLine.PeerAsync("/usr/bin/python3", "-c", PythonReader, At("a.pskcxml"), At("a.key"));
        Assert.Equal(string.Concat(ours.Select(k => string.Create(CultureInfo.InvariantCulture, $"{k.Serial} {k.Secret.ToLowerInvariant()} {k.Counter}\n"))), theirs);
        if (!OperatingSystem.IsWindows())
        {
            const UnixFileMode owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            Assert.Equal((owner, owner), (File.GetUnixFileMode(At("a.pskcxml")), File.GetUnixFileMode(At("a.key"))));
        }
    }

    [Fact]
    public async Task A_table_becomes_a_container_with_its_secrets_and_counters()
    {
        var made = await CommandLine.OathServerAsync("pskc", "create", At("b.pskcxml"), "--from", Path.Combine(Uploads.Samples, "import", "reseed.csv"), "--plain");
        Assert.True(made.Exit == 0, made.Errors);

        var rows = File.ReadLines(Path.Combine(Uploads.Samples, "import", "reseed.csv"))
            .Select(l => l.Split(',')).Select(r => (r[0], r[1].ToUpperInvariant(), long.Parse(r[2], CultureInfo.InvariantCulture)));
        Assert.Equal(rows, Read(At("b.pskcxml"), null).Select(k => (k.Serial, k.Secret, k.Counter!.Value)));
        Assert.Equal("OK", (await CommandLine.PeerAsync("/usr/bin/pskctool", "--validate", At("b.pskcxml"))).Trim());
    }

    [Fact]
    public async Task A_container_is_sealed_anew_for_somebody_else_with_its_policy_kept()
    {
        using var none = ContainerProtection.None();
        var ends = new DateTimeOffset(2031, 1, 2, 3, 4, 5, TimeSpan.Zero);
        PskcWriter.WriteFile(At("from.pskcxml"), new PskcWriteOptions { Protection = none },
            [new KeyPackage { SerialNo = "X1", Keys = [new Key { Id = "k", Algorithm = KeyAlgorithm.Hotp, Secret = RandomNumberGenerator.GetBytes(20), Counter = 7, Policy = new KeyPolicy { ExpiryDate = ends } }] }]);
        await File.WriteAllTextAsync(At("pass.txt"), "correct horse battery\n", TestContext.Current.CancellationToken);

        var made = await CommandLine.OathServerAsync("pskc", "create", At("to.pskcxml"), "--from", At("from.pskcxml"), "--for-passphrase-file", At("pass.txt"));
        Assert.True(made.Exit == 0, made.Errors);

        using var key = KeySource.Passphrase("correct horse battery");
        using var stream = File.OpenRead(At("to.pskcxml"));
        using var reader = PskcReader.Open(stream, new PskcReadOptions { Key = key });
        var package = Assert.Single(reader.ReadKeyPackages());
        Assert.Equal((7L, ends), (package.Keys[0].Counter!.Value, package.Keys[0].Policy.ExpiryDate!.Value));
    }

    [Fact]
    public async Task An_existing_file_is_never_overwritten()
    {
        await File.WriteAllTextAsync(At("seeds"), "the only copy", TestContext.Current.CancellationToken);

        var container = await CommandLine.OathServerAsync("pskc", "create", At("seeds"), "--count", "1", "--for-new-key-file", At("key"));
        var key = await CommandLine.OathServerAsync("pskc", "create", At("new"), "--count", "1", "--for-new-key-file", At("seeds"));

        Assert.Equal((2, 2), (container.Exit, key.Exit));
        Assert.Contains("not overwritten", container.Errors, StringComparison.Ordinal);
        Assert.Equal("the only copy", await File.ReadAllTextAsync(At("seeds"), TestContext.Current.CancellationToken));
        Assert.Equal(["seeds"], Directory.GetFiles(folder).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("bad-secret.csv", "line 2, serial BS0002")]
    [InlineData("repeated.csv", "more than once")]
    [InlineData("hex-or-base32.csv", "")]
    [InlineData("letter.txt", "none of the formats")]
    public async Task A_table_with_a_fault_leaves_no_container_and_no_key(string file, string words)
    {
        var made = await CommandLine.OathServerAsync("pskc", "create", At("c.pskcxml"), "--from", Path.Combine(Uploads.Samples, "import", file), "--for-new-key-file", At("c.key"));

        Assert.Equal(2, made.Exit);
        Assert.Contains(words, made.Errors, StringComparison.Ordinal);
        Assert.Single(made.Errors.Trim().Split('\n'));
        Assert.Empty(Directory.GetFiles(folder));
    }

    [Theory]
    [InlineData("who may open", "--count", "1")]
    [InlineData("not both", "--count", "1", "--plain", "--for-new-key-file", "k")]
    [InlineData("--count N", "--plain")]
    [InlineData("do not fit", "--count", "5", "--first-serial", "A98", "--plain")]
    [InlineData("must end in digits", "--count", "5", "--first-serial", "ABC", "--plain")]
    public async Task What_was_asked_for_wrongly_is_said_in_one_line(string words, params string[] arguments)
    {
        var made = await CommandLine.OathServerAsync(["pskc", "create", At("d.pskcxml"), .. arguments]);

        Assert.Equal(2, made.Exit);
        Assert.Contains(words, made.Errors, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(folder));
    }

    private string At(string name) => Path.Combine(folder, name);

    private static List<(string Serial, string Secret, long? Counter, int? Digits)> Read(string path, string? keyFile)
    {
        using var key = keyFile is null ? null : KeySource.PreSharedKey(Convert.FromHexString(File.ReadAllText(keyFile).Trim()));
        using var stream = File.OpenRead(path);
        using var reader = PskcReader.Open(stream, new PskcReadOptions { Key = key });
        return [.. reader.ReadKeyPackages().Select(p => (p.SerialNo!, Convert.ToHexString(p.Keys[0].Secret!), p.Keys[0].Counter, p.Keys[0].ResponseFormat?.Length))];
    }
}
