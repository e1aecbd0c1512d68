using System.Runtime.CompilerServices;
using SecurityKeys.Virtual;

namespace SecurityKeys.Tests.Judges;

/// <summary>The library alone, published as native code, reads a key through the same pcscd.</summary>
[Collection("readers")]
public sealed class NativeTests(PrivatePcscd pcscd)
{
    [Fact]
    public async Task The_program_of_the_README_compiled_to_native_code_reads_a_key()
    {
        Assert.SkipWhen(pcscd.Missing is not null, pcscd.Missing ?? "");
        var folder = Directory.CreateTempSubdirectory("keys-native-").FullName;
        try
        {
            // Every trim and AOT warning is an error: the library and what it uses must have none.
            var published = pcscd.RunFor(TimeSpan.FromMinutes(5), "/usr/bin/env", "dotnet", "publish", Sample(),
                "-c", "Release", "-o", folder, "--nologo", "-v", "quiet", "--disable-build-servers");
            Assert.True(published.ExitCode == 0, published.Output);
            Assert.False(File.Exists(Path.Combine(folder, "SecurityKeys.dll")), "the library is inside the program");
            await using var inserted = pcscd.Insert(new VirtualKey(new VirtualKeyOptions { Serial = 4713 }));

            var run = pcscd.Run(Path.Combine(folder, "read-a-key"));

            Assert.True(run.ExitCode == 0, run.Output);
            Assert.Equal("00001269 5.4.3 Management PIV OATH OTP FIDO2\nThe PIN is still the factory value.", run.Output.Trim());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void The_README_shows_that_very_program()
    {
        var readme = File.ReadAllText(Path.Combine(Path.GetDirectoryName(Sample())!, "../../src/SecurityKeys/README.md"));

        Assert.Contains(File.ReadAllText(Path.Combine(Path.GetDirectoryName(Sample())!, "Program.cs")), readme, StringComparison.Ordinal);
    }

    [Fact]
    public void The_library_knows_neither_the_server_nor_its_siblings()
    {
        var names = typeof(SecurityKeyReport).Assembly.GetReferencedAssemblies().Select(a => a.Name!).ToList();

        Assert.All(names, n => Assert.True(n.StartsWith("System.", StringComparison.Ordinal) || n is "Microsoft.Win32.Primitives" or "Otp.NET", n));
    }

    private static string Sample([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../../samples/read-a-key/read-a-key.csproj"));
}
