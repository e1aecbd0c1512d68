using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Pskc.Tests;

/// <summary>
/// The files other projects test with, read where they stand because they carry other licences:
/// PSKC_CORPUS, else ../shared/pskc-corpus beside the repository.
/// </summary>
internal static class Corpus
{
    public static string? Folder { get; } = Find();

    /// <summary>The first line of every skip: what is missing and how to have it.</summary>
    public const string Absent = "the corpus is not here; set PSKC_CORPUS to its folder";

    public static IReadOnlyList<CorpusFile> Files(string verdict) => Folder is null ? [] :
    [
        .. Directory.EnumerateFiles(Folder, "*.expected.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(CorpusFile.Load).Where(file => file.Verdict == verdict),
    ];

    private static string? Find([CallerFilePath] string here = "")
    {
        if (Environment.GetEnvironmentVariable("PSKC_CORPUS") is { Length: > 0 } named)
        {
            return Directory.Exists(named) ? named : null;
        }
        for (var folder = Path.GetDirectoryName(here); folder is not null; folder = Path.GetDirectoryName(folder))
        {
            var beside = Path.Combine(folder, "shared", "pskc-corpus");
            if (Directory.Exists(beside))
            {
                return beside;
            }
        }
        return null;
    }
}

/// <summary>One file of the corpus and what six other readers and the RFC say is in it.</summary>
internal sealed record CorpusFile(string Name, string Path, string? Verdict, JsonElement Expected)
{
    public static CorpusFile Load(string json)
    {
        var path = json[..^".expected.json".Length];
        using var document = JsonDocument.Parse(File.ReadAllText(json));
        var root = document.RootElement.Clone();
        var verdict = root.TryGetProperty("verdict", out var found) && !root.TryGetProperty("duplicate_of", out _)
            ? found.GetString() : null;
        return new CorpusFile(System.IO.Path.GetRelativePath(Corpus.Folder!, path), path, verdict, root);
    }

    /// <summary>
    /// The file with what opens it, and where it is weaker than the default allows, the option that says so.
    /// </summary>
    public PskcReadOptions Options()
    {
        var credentials = Expected.GetProperty("credentials");
        KeySource? key = null;
        if (credentials.TryGetProperty("password", out var password))
        {
            key = KeySource.Passphrase(password.GetString()!);
        }
        else if (credentials.TryGetProperty("key", out var hex))
        {
            key = KeySource.PreSharedKey(Convert.FromHexString(hex.GetString()!));
        }
        else if (Name.EndsWith("export_head_sha256.xml", StringComparison.Ordinal))
        {
            key = KeySource.PreSharedKey(Convert.FromHexString("12345678901234567890123456789012"));
        }
        return new PskcReadOptions
        {
            Key = key,
            Iv = credentials.TryGetProperty("iv", out var iv) ? Convert.FromHexString(iv.GetString()!) : default,
            // Two files encrypt without MAC, and say so nowhere: refused unless asked for.
            AllowUnauthenticated = Name is "python-pskc/misc/integers.pskcxml"
                or "python-pskc/draft-ietf-keyprov-pskc-02/figure5.pskcxml",
            StructureOnly = Verdict == "structure-only",
        };
    }
}
