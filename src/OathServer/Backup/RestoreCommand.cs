using System.CommandLine;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Storage;

namespace OathServer.Backup;

/// <summary><c>restore FILE</c>, or <c>restore --accept</c> for a database that was put into place otherwise. The server
/// must be stopped.</summary>
internal static class RestoreCommand
{
    public static Command Create()
    {
        var file = new Argument<string?>("file") { Arity = ArgumentArity.ZeroOrOne, Description = "The backup. Left out with --accept." };
        var accept = new Option<bool>("--accept") { Description = "Take the database that is in place, though it was rolled back." };
        var journal = new Option<string[]>("--journal") { Description = "A journal of acceptances (each node's, where there are several)." };
        var privateKey = new Option<string?>("--private-key-file") { Description = "The recipient's private key (PEM)." };
        var password = new Option<string?>("--private-key-password-file") { Description = "A file whose first line is the password of the private key." };
        var passphrase = new Option<string?>("--passphrase-file") { Description = "A file whose first line is the passphrase." };
        var replace = new Option<bool>("--replace") { Description = "Put a database that is there aside." };
        var restore = new Command("restore", "Puts a backup into place. With a journal all counters are exact; without, every HOTP token needs two consecutive codes and every TOTP token waits a step.")
        {
            file, accept, journal, privateKey, password, passphrase, replace,
        };
        restore.Validators.Add(result =>
        {
            if (result.GetValue(file) is null != result.GetValue(accept))
            {
                result.AddError("Name a backup, or say --accept to take the database that is in place.");
            }
        });
        restore.SetAction((parsed, cancel) =>
        {
            var missing = (parsed.GetValue(journal) ?? []).FirstOrDefault(j => !File.Exists(j));
            if (missing is not null)
            {
                Console.Error.WriteLine($"There is no journal {missing}.");
                return Task.FromResult(2);
            }

            return RunAsync(
                parsed.GetValue(file),
                wrap => wrap.NeedsPassphrase
                    ? wrap.OpenWithPassphrase(FirstLine(parsed.GetValue(passphrase), "--passphrase-file"))
                    : wrap.OpenWithKey(
                        File.ReadAllText(parsed.GetValue(privateKey) ?? throw Needs("--private-key-file")),
                        parsed.GetValue(password) is { } secret ? BackupCommand.FirstLine(secret) : null),
                parsed.GetValue(replace), parsed.GetValue(journal) ?? [], cancel);
        });
        return restore;
    }

    private static async Task<int> RunAsync(
        string? path, Func<WrappedKey, byte[]> open, bool replace, string[] journals, CancellationToken cancel)
    {
        try
        {
            var settings = new BackupSettings(OathHost.Configuration());
            Directory.CreateDirectory(settings.Folder);
            using var owner = settings.OneFile ? OwnerLock.Take(settings.Folder) : null;
            var origin = "the database in place";
            if (path is not null)
            {
                var header = await RestorePlacing.PlaceAsync(settings, path, open, replace, TimeProvider.System.GetUtcNow(), cancel);
                origin = $"backup of {header.Made:u} ({Path.GetFileName(path)})";
            }

            return await CommandHost.RunAsync(async (services, db) =>
            {
                var accepted = await services.GetRequiredService<Acceptance>().AcceptAsync(db, origin, journals, AuditEvent.OnThisMachine(), cancel);
                File.Delete(settings.Marker);
                Console.WriteLine($"Done: {accepted.Words}.");
                return 0;
            }, cancel);
        }
        catch (Exception refusal) when (refusal is InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync(refusal.Message);
            return 2;
        }
    }

    private static string FirstLine(string? path, string option) => BackupCommand.FirstLine(path ?? throw Needs(option));

    private static InvalidOperationException Needs(string option) => new($"This backup is opened with {option}.");
}
