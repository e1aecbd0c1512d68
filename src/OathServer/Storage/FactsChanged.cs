namespace OathServer.Storage;

/// <summary>Tells this node's caches that tokens were assigned, imported or reseeded. A courtesy only: a stale cache is
/// found out by the generation in the counter row.</summary>
internal sealed class FactsChanged
{
    private Action? listeners;

    public void Listen(Action listener) => listeners += listener;

    public void Announce() => listeners?.Invoke();
}
