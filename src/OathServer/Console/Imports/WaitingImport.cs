using OathServer.Audit;
using OathServer.Import;

namespace OathServer.Pages;

/// <summary>Where an upload stands.</summary>
internal enum UploadState
{
    /// <summary>The file is being read and compared with the store; nothing is changed.</summary>
    Checking,

    /// <summary>It is known what would happen.</summary>
    Checked,

    /// <summary>Nothing was imported, for the reason given.</summary>
    Refused,

    /// <summary>It was confirmed and is being written.</summary>
    Importing,

    /// <summary>It is in the store.</summary>
    Done,
}

/// <summary>An upload between its check and the word to import it: the file and what opens it, in memory, its sender's alone.</summary>
internal sealed class WaitingImport(Guid id, string owner, ImportRequest request, IReadOnlyDictionary<string, string> typed, DateTimeOffset until) : IDisposable
{
    private volatile UploadState state = UploadState.Checking;

    public Guid Id => id;

    public string Owner => owner;

    public ImportRequest Request => request;

    /// <summary>What was typed, without secrets.</summary>
    public IReadOnlyDictionary<string, string> Typed => typed;

    public DateTimeOffset Until => until;

    /// <summary>Set last: whoever reads it first finds the report that belongs to it.</summary>
    public UploadState State { get => state; private set => state = value; }

    /// <summary>What would become of each key, or what became of it.</summary>
    public ImportReport? Report { get; private set; }

    /// <summary>Why it was refused.</summary>
    public string? Fault { get; private set; }

    /// <summary>Ends with the check, or with the import.</summary>
    public Task Work { get; private set; } = Task.CompletedTask;

    /// <summary>Checks, or imports when <paramref name="confirmed"/>. One thing at a time.</summary>
    public void Begin(bool confirmed, bool partial, AuditEvent actor, Func<ImportOptions, AuditEvent, Task<ImportReport>> run)
    {
        State = confirmed ? UploadState.Importing : UploadState.Checking;
        var options = request.Options with { DryRun = !confirmed, Partial = partial };
        Work = Task.Run(() => RunAsync(confirmed, () => run(options, actor)));
    }

    public void Dispose() => request.Dispose();

    private async Task RunAsync(bool confirmed, Func<Task<ImportReport>> run)
    {
        try
        {
            Report = await run();
            Fault = null;
            State = confirmed ? UploadState.Done : UploadState.Checked;
        }
        catch (Exception fault) when (fault is ImportRefusedException or ImportBusyException or OperationCanceledException)
        {
            Report = (fault as ImportRefusedException)?.Report;
            Fault = fault is OperationCanceledException ? "The import was cancelled." : fault.Message;
            State = UploadState.Refused;
        }
        catch (Exception fault)
        {
            Fault = $"The server could not go on ({fault.GetType().Name}). Nothing was imported.";
            State = UploadState.Refused;
        }
    }
}
