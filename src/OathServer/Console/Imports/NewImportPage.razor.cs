using OathServer.Access;
using OathServer.Audit;
using OathServer.Import;

namespace OathServer.Pages;

/// <summary>A file is dropped and checked; the page of the check asks for the word to import it.</summary>
public partial class NewImportPage
{
    private static readonly string[] Secrets = ["passphrase", "key", "macKey", "privateKey", "privateKeyPassphrase"];
    private static readonly string[] Details = ["columns", "encoding", "digits", "mac", "weak", "ignoreOwners"];

    /// <summary>A small file is checked before the answer leaves.</summary>
    private static readonly TimeSpan Glance = TimeSpan.FromSeconds(1);

    private WaitingImport? held;
    private (string Text, string? Lang)? fault;

    private HttpContext Http => Here.HttpContext!;

    private bool More => Array.Exists(Details, name => Field(name) is not null);

    /// <inheritdoc/>
    protected override void OnInitialized()
    {
        var asked = HttpMethods.IsPost(Http.Request.Method) ? Http.Request.Form["held"].ToString() : Http.Request.Query["held"].ToString();
        held = Guid.TryParse(asked, out var id) ? Waiting.Find(id, Actors.Of(Http).Actor) : null;
        fault = HttpMethods.IsGet(Http.Request.Method) && held?.Fault is { } before ? T.OfImport(before) : null;
    }

    private string? Field(string name)
    {
        var text = HttpMethods.IsPost(Http.Request.Method) ? Http.Request.Form[name].ToString() : held?.Typed.GetValueOrDefault(name) ?? Http.Request.Query[name].ToString();
        return text.Length == 0 || Secrets.Contains(name, StringComparer.Ordinal) ? null : text;
    }

    private async Task Send()
    {
        Permit.Require(Http, Rules.Provision);
        var form = Http.Request.Form;
        ImportRequest? request = null;
        try
        {
            request = await ImportRequest.OfFormAsync(form, held?.Request, Http.RequestAborted);
        }
        catch (Exception bad) when (bad is BadHttpRequestException or ImportRefusedException)
        {
            Refuse(T.OfImport(bad.Message));
            return;
        }

        var typed = form.Where(f => !f.Key.StartsWith('_') && !Secrets.Contains(f.Key, StringComparer.Ordinal) && f.Value.ToString().Length > 0)
            .ToDictionary(f => f.Key, f => f.Value.ToString(), StringComparer.Ordinal);
        if (Waiting.Take(request, typed, Actors.Of(Http)) is not { } upload)
        {
            request.Dispose();
            Refuse((T["Too many files wait to be confirmed. Try again in some minutes."], null));
            return;
        }

        if (held is not null)
        {
            Waiting.Discard(held);
        }

        await Task.WhenAny(upload.Work, Task.Delay(Glance));
        Go.NavigateTo(upload.State == UploadState.Refused ? $"/imports/new?held={upload.Id}" : $"/imports/check/{upload.Id}");
    }

    private void Refuse((string Text, string? Lang) what)
    {
        fault = what;
        Http.Response.StatusCode = StatusCodes.Status422UnprocessableEntity;
    }
}
