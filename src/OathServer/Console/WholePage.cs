using Microsoft.AspNetCore.Components;

namespace OathServer.Pages;

/// <summary>A page, or a part of one, that is drawn once everything it shows was read. The framework would draw it before: with
/// a database that answers a moment later there would be nothing to show yet.</summary>
public abstract class WholePage : ComponentBase, IHandleEvent
{
    private bool isOpen;

    /// <summary>Reads what is shown.</summary>
    protected virtual Task OpenAsync() => Task.CompletedTask;

    /// <inheritdoc/>
    public override async Task SetParametersAsync(ParameterView parameters)
    {
        if (isOpen)
        {
            await base.SetParametersAsync(parameters);
            return;
        }

        // The view of the parameters holds no longer once something was waited for.
        parameters.SetParameterProperties(this);
        await OpenAsync();
        isOpen = true;
        await base.SetParametersAsync(ParameterView.Empty);
    }

    /// <summary>What a form sent is done to its end before the page is drawn again.</summary>
    async Task IHandleEvent.HandleEventAsync(EventCallbackWorkItem item, object? arg)
    {
        await item.InvokeAsync(arg);
        StateHasChanged();
    }
}
