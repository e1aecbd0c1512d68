namespace OathServer.Storage;

/// <summary>Tells caches that tokens were assigned, imported or reseeded. A courtesy only: a stale cache is found out by
/// the generation and the holder in the counter row.</summary>
internal sealed class FactsChanged
{
    private Action? listeners;
    private Action? others;

    public void Listen(Action listener) => listeners += listener;

    /// <summary>How the other nodes learn of it.</summary>
    public void TellOthersBy(Action tell) => others += tell;

    /// <summary>Something changed on this node.</summary>
    public void Announce()
    {
        listeners?.Invoke();
        others?.Invoke();
    }

    /// <summary>Something changed, or may have changed, on another node.</summary>
    public void Heard() => listeners?.Invoke();
}
