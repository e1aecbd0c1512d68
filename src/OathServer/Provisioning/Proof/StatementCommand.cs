using System.CommandLine;
using System.Security.Cryptography;

namespace OathServer.Provisioning.Proof;

/// <summary><c>statement verify FILE --key-file KEY.pem</c>: needs no server and no data, as an auditor has neither.</summary>
internal static class StatementCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("file") { Description = "Statements, one a line, as GET /v1/records/{cuid}/statement gives them; - for standard input." };
        var key = new Option<FileInfo>("--key-file")
        {
            Required = true,
            Description = "The server's public key in PEM: GET /v1/statements/key with Accept: application/x-pem-file.",
        };
        var verify = new Command("verify",
            "Checks the signatures and prints what each statement says. Exit 0: all hold; 1: one does not; 2: a file cannot be read.") { file, key };
        verify.SetAction((parsed, cancel) => RunAsync(parsed.GetRequiredValue(file), parsed.GetRequiredValue(key), cancel));
        return new Command("statement", "The signed statements of finished keys.") { verify };
    }

    private static async Task<int> RunAsync(string file, FileInfo keyFile, CancellationToken cancel)
    {
        using var key = ECDsa.Create();
        string text;
        try
        {
            key.ImportFromPem(await File.ReadAllTextAsync(keyFile.FullName, cancel));
            text = file == "-" ? await Console.In.ReadToEndAsync(cancel) : await File.ReadAllTextAsync(file, cancel);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or ArgumentException or CryptographicException)
        {
            await Console.Error.WriteLineAsync(fault is ArgumentException or CryptographicException ? $"{keyFile.Name} is no public key in PEM." : fault.Message);
            return 2;
        }

        var (held, line) = (0, 0);
        var broken = new List<int>();
        foreach (var statement in text.Split('\n'))
        {
            line++;
            if (string.IsNullOrWhiteSpace(statement))
            {
                continue;
            }

            if (Statements.Verify(key, statement) is { } said)
            {
                held++;
                Console.WriteLine(said);
            }
            else
            {
                broken.Add(line);
            }
        }

        if (held + broken.Count == 0)
        {
            await Console.Error.WriteLineAsync($"{file} holds no statement.");
            return 2;
        }

        foreach (var bad in broken)
        {
            await Console.Error.WriteLineAsync($"Line {bad}: this is not a statement signed with that key.");
        }

        return broken.Count == 0 ? 0 : 1;
    }
}
