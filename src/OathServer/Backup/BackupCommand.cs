using System.CommandLine;
using OathServer.Audit;
using OathServer.Operations;

namespace OathServer.Backup;

/// <summary><c>backup --to FILE</c>, beside a running server.</summary>
internal static class BackupCommand
{
    public static Command Create()
    {
        var to = new Option<string>("--to") { Required = true, Description = "The file to write; it must not be there yet." };
        var recipient = new Option<string?>("--recipient-file") { Description = "A certificate or public key (PEM; RSA or elliptic curve) for whom the backup is encrypted." };
        var passphrase = new Option<string?>("--passphrase-file") { Description = "Instead: a file whose first line is the passphrase." };
        var backup = new Command("backup", "Writes an encrypted backup of the database in use. The sealing key is not in it: keep that apart.")
        {
            to, recipient, passphrase,
        };
        backup.SetAction((parsed, cancel) => CommandHost.RunAsync(async (services, db) =>
        {
            if (parsed.GetValue(recipient) is null == parsed.GetValue(passphrase) is null)
            {
                await Console.Error.WriteLineAsync("Say for whom: --recipient-file or --passphrase-file.");
                return 2;
            }

            Func<byte[], WrappedKey> wrap = parsed.GetValue(recipient) is { } pem
                ? key => WrappedKey.For(File.ReadAllText(pem), key)
                : key => WrappedKey.ForPassphrase(FirstLine(parsed.GetValue(passphrase)!), key);
            var path = Path.GetFullPath(parsed.GetRequiredValue(to));
            var length = await services.GetRequiredService<BackupMaking>().MakeAsync(db, path, wrap, AuditEvent.OnThisMachine(), cancel);
            Console.WriteLine($"{path}: {length} octets. To restore it you also need the sealing key.");
            return 0;
        }, cancel));
        return backup;
    }

    internal static string FirstLine(string path) => File.ReadLines(path).FirstOrDefault() ?? "";
}
