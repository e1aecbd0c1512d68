using System.CommandLine;
using OathServer.Audit;
using OathServer.Operations;
using OathServer.Storage;
using Pskc;

namespace OathServer.Import.Export;

/// <summary><c>export FILE</c>: what <c>POST /v1/exports</c> does, on the server's own machine.</summary>
internal static class ExportCommand
{
    private static readonly Argument<string> file = new("FILE") { Description = "The container to write. An existing file is not overwritten." };
    private static readonly Option<string> reason = new("--reason") { Description = "Why; kept in the audit trail.", Required = true };
    private static readonly Option<string[]> serial = new("--serial") { Description = "A token; may be given again.", AllowMultipleArgumentsPerToken = true };
    private static readonly Option<string?> batch = new("--batch") { Description = "The tokens of a batch." };
    private static readonly Option<long?> import = new("--import") { Description = "The tokens of an import." };
    private static readonly Option<string?> realm = new("--realm") { Description = "The tokens of a realm." };
    private static readonly Option<bool> all = new("--all") { Description = "Every token." };
    private static readonly Option<bool> suspend = new("--suspend") { Description = "Suspend the tokens here first, so that the counters in the file stay true." };

    public static Command Create()
    {
        var recipient = new RecipientOptions(allowPlain: false);
        var command = new Command("export", "Exports credentials as a key container sealed for a recipient; counters as they stand at one moment.")
        {
            file, reason, serial, batch, import, realm, all, suspend,
        };
        recipient.AddTo(command);
        command.SetAction((parsed, cancel) => RunAsync(parsed, recipient, cancel));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, RecipientOptions to, CancellationToken cancel)
    {
        var path = parsed.GetRequiredValue(file);
        var partial = $"{path}.{Guid.NewGuid():N}.partial";
        var done = false;
        var progress = new ProgressLine();
        try
        {
            if (Path.Exists(path))
            {
                throw new KeyFileException($"{path} is there already and is not overwritten.");
            }

            var selection = new ExportSelection
            {
                Serials = parsed.GetValue(serial) is { Length: > 0 } serials ? serials : null,
                Batch = parsed.GetValue(batch),
                Import = parsed.GetValue(import),
                Realm = parsed.GetValue(realm),
                All = parsed.GetValue(all),
            };
            if ((selection.Fault() ?? ExportEndpoint.ReasonFault(parsed.GetRequiredValue(reason))) is { } fault)
            {
                throw new KeyFileException("Not exported: " + fault);
            }

            using var recipient = to.Read(parsed);
            await using var host = await OathHost.OpenStorageAsync(cancel);
            await using var scope = host.Services.CreateAsyncScope();
            await using var stream = new FileStream(partial, ExportEndpoint.Private(FileOptions.Asynchronous));
            var receipt = await host.Services.GetRequiredService<CredentialExport>().ExportAsync(
                scope.ServiceProvider.GetRequiredService<OathDbContext>(), stream, selection,
                new PskcWriteOptions { Protection = recipient.Protection, EncryptIntegers = to.EncryptIntegers(parsed) }, recipient.Words,
                parsed.GetValue(suspend), parsed.GetRequiredValue(reason), AuditEvent.OnThisMachine(),
                keys => progress.Show("exporting", keys, null), cancel);
            stream.Flush(flushToDisk: true);
            File.Move(partial, path);
            done = true;
            progress.Clear();
            Console.WriteLine($"{path}: {receipt.Keys} credentials, {recipient.Words}. SHA-256 {receipt.Digest}");
            if (receipt.Left > 0)
            {
                await Console.Error.WriteLineAsync($"warning: {receipt.Left} disabled tokens of the selection were left out.");
            }

            return 0;
        }
        catch (ExportRefusedException refusal)
        {
            return await ImportCommand.FailAsync($"Nothing was exported: {refusal.Message} {refusal.Next}");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or KeyFileException or InvalidOperationException or StorageUnavailableException)
        {
            return await ImportCommand.FailAsync(fault.Message);
        }
        catch (OperationCanceledException)
        {
            return await ImportCommand.FailAsync("Cancelled; nothing was exported.");
        }
        finally
        {
            if (!done)
            {
                to.ForgetNewKey();
            }

            // Where there is no such folder, deleting would throw.
            if (File.Exists(partial))
            {
                File.Delete(partial);
            }
        }
    }
}
